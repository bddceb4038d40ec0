import type { LookupFunction } from 'node:net';
import { destination } from 'pino';
import { createApplication, type Application, type Environment } from '../application.ts';
import { loadSettings, nonEmpty, REVISION_VARIABLE } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import { Lifecycle } from '../lifecycle.ts';
import { connectStdio } from '../mcp/stdio.ts';
import { createLogger, type Logger } from '../monitoring/logging.ts';
import { listenForOperations, operationsOf, serve } from '../serve.ts';
import { HELP, parseArguments } from './arguments.ts';
import { callTool, EXIT, listTools, printSettings, type ExitCode } from './commands.ts';
import { probe } from './probe.ts';
import { readProbeOptions } from './probe/options.ts';
import type { Terminal } from './terminal.ts';

/** Everything a run of the program takes from around it. */
export interface Shell extends Terminal {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly directory: string;
  readonly version: string;
  /** Monotonic, in seconds. */
  readonly now: () => number;
  /** Resolves with why the process should stop: a signal's name, or an uncaught error. */
  readonly stopRequested: Promise<string | Error>;
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
  // Only serve may log to stdout: it carries the protocol in stdio, and the answer in the other commands.
  const level = command === 'serve' || command === 'stdio' ? settings.log.level : 'silent';
  const logs = destination({ fd: command === 'serve' ? 1 : 2, sync: true });
  // A full disk must not take the server down, and there is nowhere else to say so.
  logs.on('error', () => undefined);
  const logger = createLogger(level, logs);
  const environment: Environment = {
    logger,
    now: shell.now,
    version: shell.version,
    revision: nonEmpty(shell.env[REVISION_VARIABLE]) ?? 'unknown',
    env: shell.env,
  };
  const created = await createApplication(settings, loaded.directory, environment);
  if (!created.ok) return complain(created.problems);
  const { application } = created;
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
  { logger, now, version }: Environment,
  { stderr, stopRequested }: Shell,
): Promise<ExitCode> {
  let serving;
  try {
    serving = await serve(application, settings, { logger, now });
  } catch (error) {
    return cannotListen(error, stderr);
  }
  if (stderr.isTTY) {
    const origin = `http://${reachable(settings.server.host)}:${serving.port}`;
    stderr.write(`nexus-mcp ${version} serves ${origin}/mcp, and how it is at ${origin}/; Ctrl-C stops it\n`);
  }
  const why = await stopRequested;
  logStop(why, logger);
  const inTime = await serving.stop();
  return inTime && typeof why === 'string' ? EXIT.done : EXIT.failed;
}

/** A listening host as part of a URL that can be opened here. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}

async function runStdio(
  application: Application,
  settings: Settings,
  logger: Logger,
  { stderr, stopRequested }: Shell,
): Promise<ExitCode> {
  const lifecycle = new Lifecycle(logger);
  const operations = operationsOf(application, settings.metrics.endpoint, lifecycle);
  let ops;
  try {
    ops = await listenForOperations(operations, settings, logger);
  } catch (error) {
    return cannotListen(error, stderr);
  }
  const connection = connectStdio(application.binding);
  application.watch({
    sessions: () => connection.sessions,
    sessionsLimit: 1,
    subscriptions: () => 0,
    subscriptionsLimit: settings.sessions.maxSubscriptions,
  });
  lifecycle.started();
  logger.info({ tools: application.registry.tools.length, ops_port: ops?.port }, 'ready');
  const why = await Promise.race([connection.ended.then(() => 'the client hung up'), stopRequested]);
  logStop(why, logger);
  const inTime = await lifecycle.stop({
    deadlineSeconds: settings.shutdown.deadlineSeconds,
    steps: [
      { name: 'finish calls', run: () => application.executor.drain() },
      { name: 'end the connection', run: () => connection.close() },
      { name: 'flush log and traces', run: application.flush },
      { name: 'close the operations port', run: () => ops?.close() ?? Promise.resolve() },
    ],
    cut: async () => ({ connections: (await ops?.destroy()) ?? 0 }),
  });
  return inTime && typeof why === 'string' ? EXIT.done : EXIT.failed;
}

function logStop(why: string | Error, logger: Logger): void {
  if (typeof why === 'string') logger.info({ why }, 'stop requested');
  else logger.fatal({ err: why }, 'stopping after an unexpected error');
}

function cannotListen(error: unknown, stderr: Terminal['stderr']): ExitCode {
  if (!(error instanceof Error && 'syscall' in error)) throw error;
  stderr.write(`nexus-mcp: cannot listen: ${error.message}; set server.port or ops.port to a free port\n`);
  return EXIT.failed;
}
