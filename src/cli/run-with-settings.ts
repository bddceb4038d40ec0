import { resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Environment } from '../application.ts';
import { loadSettings, nonEmpty, REVISION_VARIABLE } from '../config/load.ts';
import { AuditOutput } from '../monitoring/audit/audit-output.ts';
import { LineOutput, toStandard } from '../monitoring/line-output.ts';
import { createLog, type Logger } from '../monitoring/logging.ts';
import type { Settings } from '../config/settings.ts';
import type { Arguments, Command } from './arguments.ts';
import { callTool, listTools, printSettings } from './commands.ts';
import {
  complain,
  EXIT,
  interruption,
  tell,
  thrownText,
  unexpected,
  type ExitCode,
  type Shell,
} from './shell.ts';

/** Runs a command that has settings, and needs the server's tools. */
export async function runWithSettings(
  command: Exclude<Command, 'probe'>,
  { operands, json, config: file, settings: flags }: Arguments,
  shell: Shell,
): Promise<ExitCode> {
  const loaded = loadSettings({ env: shell.env, flags, file, directory: shell.directory });
  if (!loaded.ok) return complain(shell, loaded.problems);
  const { settings } = loaded;
  // Only serve logs to stdout. In stdio, stdout carries the protocol; in the other commands, the answer.
  const isServing = command === 'serve' || command === 'stdio';
  const level = isServing ? settings.log.level : 'silent';
  const fd = command === 'serve' ? 1 : 2;
  // A log that cannot be written, as on a full disk, must not end the server. There is nowhere else to say so.
  const logs = new LineOutput(toStandard(fd, isServing ? shell.openLog?.(fd) : undefined));
  const audit = isServing ? await openAudit(settings.audit, loaded.directory, logs) : undefined;
  if (audit instanceof Error) return complain(shell, [`audit.file: cannot be opened: ${audit.message}`]);
  const environment: Environment = {
    logger: createLog(level, logs),
    auditOutput: audit,
    now: shell.now,
    unixTime: shell.unixTime,
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
  const { createApplication } = await import('../application.ts');
  // A tool module may load for long, or for ever: whoever wants to stop does not wait for it.
  const created = await Promise.race([
    createApplication(settings, loaded.directory, environment),
    shell.stopRequested.then((why) => ({ why })),
  ]);
  if ('why' in created) {
    const code = stoppedEarly(created.why, isServing, shell, environment.logger);
    await endLog(logs, environment);
    return code;
  }
  if (!created.ok) return complain(shell, created.problems.map(loaded.located));
  const { application } = created;
  // The others have a log, which says so.
  if (command === 'tools' || command === 'check') tell(shell, application.warnings);
  try {
    switch (command) {
      case 'serve': {
        const serving = await import('./serving.ts');
        hangUp = () => {
          serving.hangUp(application, environment.logger);
        };
        return await serving.runServer(application, settings, environment, shell);
      }
      case 'stdio': {
        const { runStdio } = await import('./serving.ts');
        return await runStdio(application, settings, environment.logger, shell);
      }
      case 'call': {
        const signal = interruption(shell);
        const code = await callTool(application, settings, operands, shell, { json, signal });
        // Node tells of a promise that rejected, and that nobody handled, at the end of this turn of the event loop.
        const why = await Promise.race([shell.stopRequested, setImmediate()]);
        const lost = await application.workers.leftBehind();
        if (lost !== undefined) tell(shell, [`the worker thread ended after the call: ${thrownText(lost)}`]);
        return why instanceof Error || lost !== undefined ? EXIT.failed : code;
      }
      case 'tools':
        return listTools(application, settings, shell, json);
      case 'check':
        return printSettings(loaded, application, shell, json);
    }
  } finally {
    // Of a server that has stopped, which has closed them, nothing is left to close.
    await application.workers.close();
    await endLog(logs, environment);
  }
}

/** Says what was lost at the end, and waits until the log is written. */
async function endLog(logs: LineOutput, { auditOutput, logger }: Environment): Promise<void> {
  const late = auditOutput?.refusedAfterClose ?? 0;
  if (late > 0) logger.error({ events: late }, 'audit events are lost: they came after the audit was closed');
  await logs.flush();
}

/** Says that the process stops before it served, or did what it was asked for. */
function stoppedEarly(why: string | Error, isServing: boolean, shell: Shell, logger: Logger): ExitCode {
  if (why instanceof Error) {
    logger.fatal({ err: why }, 'stopped after an unexpected error while loading');
    if (!isServing) shell.stderr.write(unexpected(why));
    return EXIT.failed;
  }
  logger.info({ why }, 'stopped while loading');
  if (isServing) return EXIT.done;
  tell(shell, [`stopped while loading: ${why}`]);
  return EXIT.failed;
}

/** Where decisions are written, if they are; or why the file for them cannot be opened. */
async function openAudit(
  { enabled, file }: Settings['audit'],
  directory: string,
  logs: LineOutput,
): Promise<AuditOutput | Error | undefined> {
  if (!enabled) return undefined;
  if (file === undefined) return AuditOutput.inLog(logs);
  return AuditOutput.open(resolve(directory, file)).catch((error: unknown) => error as Error);
}
