import type { Application, Environment } from '../application.ts';
import type { Settings } from '../config/settings.ts';
import type { Logger } from '../monitoring/logging.ts';
import { eventLoop } from '../monitoring/metrics/event-loop.ts';
import { HeapMonitor } from '../monitoring/metrics/heap.ts';
import { serveOverStdio } from '../serve-stdio.ts';
import { serve, type Serving } from '../serve.ts';
import { adviceOn } from './listen-advice.ts';
import { EXIT, type ExitCode, type Shell } from './shell.ts';
import type { Terminal } from './terminal.ts';

/** Serves over HTTP until the process should stop. */
export async function runServer(
  application: Application,
  settings: Settings,
  environment: Environment,
  shell: Shell,
): Promise<ExitCode> {
  const heap = new HeapMonitor(environment.env['NODE_OPTIONS']);
  const server = serve(application, settings, {
    ...environment,
    eventLoop: () => eventLoop().read(),
    heap: () => heap.read(),
  });
  const serving = await opened(server, settings, shell.stderr);
  if (!serving) return EXIT.failed;
  if (shell.stderr.isTTY) {
    const origin = `http://${reachable(settings.server.host)}:${serving.port}`;
    shell.stderr.write(
      `nexus-mcp ${shell.version} serves ${origin}/mcp; status page: ${origin}/; Ctrl-C stops it\n`,
    );
  }
  return stopWhenAsked(serving, shell.stopRequested, environment.logger);
}

/** Serves over stdio until the client hangs up, or the process should stop. */
export async function runStdio(
  application: Application,
  settings: Settings,
  logger: Logger,
  { stderr, stopRequested, openStdio }: Shell,
): Promise<ExitCode> {
  if (!openStdio) throw new Error('there is no stdin and stdout to serve on');
  const server = serveOverStdio(application, settings, logger, openStdio());
  const serving = await opened(server, settings, stderr);
  if (!serving) return EXIT.failed;
  const hungUp = serving.ended.then(() => 'the client hung up');
  return stopWhenAsked(serving, Promise.race([hungUp, stopRequested]), logger);
}

/**
 * Reads the token file again, and opens the audit file anew. Nothing else is read again: what else changes takes effect in a new
 * process.
 */
export function hangUp({ tokens, audit }: Application, logger: Logger): void {
  const isReopened = audit?.reopen() === true;
  if (tokens) tokens.reread();
  else if (!isReopened)
    logger.info(
      'SIGHUP: nothing to read again; only the file of auth.tokensFile is read again, unless it is a pipe',
    );
}

/** A listening host as part of a URL that can be opened here. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}

async function stopWhenAsked(
  serving: Pick<Serving, 'stop'>,
  stopRequested: Promise<string | Error>,
  logger: Logger,
): Promise<ExitCode> {
  const why = await stopRequested;
  if (typeof why === 'string') logger.info({ why }, 'stop requested');
  else logger.fatal({ err: why }, 'stopping after an unexpected error');
  const inOrder = await serving.stop();
  return inOrder && typeof why === 'string' ? EXIT.done : EXIT.failed;
}

/** What serves, or `undefined` when a port cannot be opened; stderr is told then. */
async function opened<T>(
  serving: Promise<T>,
  settings: Settings,
  stderr: Terminal['stderr'],
): Promise<T | undefined> {
  try {
    return await serving;
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    stderr.write(`nexus-mcp: cannot listen: ${error.message}; ${adviceOn(error, settings)}\n`);
    return undefined;
  }
}
