import type { LookupFunction } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { destination } from 'pino';
import { createApplication, type Application, type Environment } from '../application.ts';
import { loadSettings, nonEmpty, REVISION_VARIABLE } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import { createLogger, type Logger } from '../monitoring/logging.ts';
import { serveOverStdio } from '../serve-stdio.ts';
import { serve, type Serving } from '../serve.ts';
import { HELP, parseArguments } from './arguments.ts';
import { callTool, EXIT, listTools, printSettings, type ExitCode } from './commands.ts';
import { probe } from './probe.ts';
import { readProbeOptions } from './probe/options.ts';
import type { Terminal } from './terminal.ts';

/** What a run of the program is given from outside. */
export interface Shell extends Terminal {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly directory: string;
  readonly version: string;
  /** Monotonic, in seconds. */
  readonly now: () => number;
  /** Resolves with why the process should stop: a signal's name, or an uncaught error. */
  readonly stopRequested: Promise<string | Error>;
  /**
   * Takes what SIGHUP asks for. Before, and where it says that a terminal was closed, it is a reason to stop.
   */
  readonly onHangup?: (listener: () => void) => void;
  /** Opens stdin and stdout for a protocol, so that a reader who does not read holds nothing up; for the command `stdio`. */
  readonly openStdio?: () => { readonly stdin: Readable; readonly stdout: Writable };
  /** How probe resolves names of hosts; left out, as the system does. */
  readonly lookup?: LookupFunction;
}

/** Runs one command to its end and returns the exit code. Does not throw. */
export async function run(shell: Shell): Promise<ExitCode> {
  try {
    return await runCommand(shell);
  } catch (error) {
    shell.stderr.write(unexpected(error));
    return EXIT.failed;
  }
}

const unexpected = (error: unknown): string =>
  `nexus-mcp: unexpected error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`;

async function runCommand(shell: Shell): Promise<ExitCode> {
  const { stdout, stderr } = shell;
  const complain = (problems: readonly string[]): ExitCode => {
    for (const problem of problems) stderr.write(`nexus-mcp: ${problem}\n`);
    return EXIT.misused;
  };
  const parsed = parseArguments(shell.argv);
  if (!parsed.ok) return complain([parsed.problem, 'see nexus-mcp --help']);
  const { command, operands, json } = parsed.arguments;
  if (command === 'help' || command === 'version') {
    stdout.write(command === 'help' ? HELP : `${shell.version}\n`);
    return EXIT.done;
  }

  if (command === 'probe') {
    const read = readProbeOptions(operands[0], parsed.arguments.probe, shell.env, shell.directory);
    if (!read.ok) return complain(read.problems);
    const well = await probe(read.options, { ...shell, terminal: shell, interrupted: interruption(shell) });
    return well ? EXIT.done : EXIT.failed;
  }

  const { config, settings: flags } = parsed.arguments;
  const loaded = loadSettings({ env: shell.env, flags, file: config, directory: shell.directory });
  if (!loaded.ok) return complain(loaded.problems);
  const { settings } = loaded;
  // Only serve logs to stdout. In stdio, stdout carries the protocol; in the other commands, the answer.
  const level = command === 'serve' || command === 'stdio' ? settings.log.level : 'silent';
  const logs = destination({ fd: command === 'serve' ? 1 : 2, sync: true });
  // A log that cannot be written, as on a full disk, must not end the server. There is nowhere else to say so.
  logs.on('error', () => undefined);
  const logger = createLogger(level, logs);
  const environment: Environment = {
    logger,
    now: shell.now,
    version: shell.version,
    revision: nonEmpty(shell.env[REVISION_VARIABLE]) ?? 'unknown',
    env: shell.env,
  };
  let hangUp = (): void => undefined;
  // Before anything is loaded: a server that is starting must not end of it. What it misses then, it sees when it looks next.
  if (command === 'serve')
    shell.onHangup?.(() => {
      hangUp();
    });
  const created = await createApplication(settings, loaded.directory, environment);
  if (!created.ok) return complain(created.problems);
  const { application } = created;
  hangUp = () => {
    rereadTokens(application, logger);
  };
  try {
    switch (command) {
      case 'serve':
        return await runServer(application, settings, environment, shell);
      case 'stdio':
        return await runStdio(application, settings, logger, shell);
      case 'call':
        return await callTool(application, operands, shell, { json, signal: interruption(shell) });
      case 'tools':
        return listTools(application, shell, json);
      case 'check':
        return printSettings(settings, shell, json);
    }
  } finally {
    await application.workers.close();
  }
}

/** Aborts when the process should stop. */
function interruption({ stopRequested, stderr }: Shell): AbortSignal {
  const interrupted = new AbortController();
  void stopRequested.then((why) => {
    if (typeof why !== 'string') stderr.write(unexpected(why));
    interrupted.abort();
  });
  return interrupted.signal;
}

async function runServer(
  application: Application,
  settings: Settings,
  environment: Environment,
  shell: Shell,
): Promise<ExitCode> {
  const serving = await opened(serve(application, settings, environment), shell.stderr);
  if (!serving) return EXIT.failed;
  if (shell.stderr.isTTY) {
    const origin = `http://${reachable(settings.server.host)}:${serving.port}`;
    shell.stderr.write(
      `nexus-mcp ${shell.version} serves ${origin}/mcp, and how it is at ${origin}/; Ctrl-C stops it\n`,
    );
  }
  return stopWhenAsked(serving, shell.stopRequested, environment.logger);
}

async function runStdio(
  application: Application,
  settings: Settings,
  logger: Logger,
  { stderr, stopRequested, openStdio }: Shell,
): Promise<ExitCode> {
  if (!openStdio) throw new Error('there is no stdin and stdout to serve on');
  const serving = await opened(serveOverStdio(application, settings, logger, openStdio()), stderr);
  if (!serving) return EXIT.failed;
  const hungUp = serving.ended.then(() => 'the client hung up');
  return stopWhenAsked(serving, Promise.race([hungUp, stopRequested]), logger);
}

/** Nothing else is read again: what else changes takes effect in a new process. */
function rereadTokens({ tokens }: Application, logger: Logger): void {
  if (tokens) tokens.reread();
  else
    logger.info(
      'SIGHUP: there is nothing to read again; only a token file is, if auth.tokensFile names one that is no pipe',
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
async function opened<T>(serving: Promise<T>, stderr: Terminal['stderr']): Promise<T | undefined> {
  try {
    return await serving;
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    stderr.write(`nexus-mcp: cannot listen: ${error.message}; set server.port or ops.port to a free port\n`);
    return undefined;
  }
}
