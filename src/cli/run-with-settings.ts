import { destination } from 'pino';
import type { Environment } from '../application.ts';
import { loadSettings, nonEmpty, REVISION_VARIABLE } from '../config/load.ts';
import { createLogger } from '../monitoring/logging.ts';
import type { Arguments, Command } from './arguments.ts';
import { callTool, listTools, printSettings } from './commands.ts';
import { complain, interruption, tell, type ExitCode, type Shell } from './shell.ts';

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
  const level = command === 'serve' || command === 'stdio' ? settings.log.level : 'silent';
  const logs = destination({ fd: command === 'serve' ? 1 : 2, sync: true });
  // A log that cannot be written, as on a full disk, must not end the server. There is nowhere else to say so.
  logs.on('error', () => undefined);
  const environment: Environment = {
    logger: createLogger(level, logs),
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
  const created = await createApplication(settings, loaded.directory, environment);
  if (!created.ok) return complain(shell, created.problems);
  const { application } = created;
  // The others have a log, which says so.
  if (command === 'tools' || command === 'check') tell(shell, application.warnings);
  try {
    switch (command) {
      case 'serve': {
        const { rereadTokens, runServer } = await import('./serving.ts');
        hangUp = () => {
          rereadTokens(application, environment.logger);
        };
        return await runServer(application, settings, environment, shell);
      }
      case 'stdio': {
        const { runStdio } = await import('./serving.ts');
        return await runStdio(application, settings, environment.logger, shell);
      }
      case 'call':
        return await callTool(application, settings, operands, shell, {
          json,
          signal: interruption(shell),
        });
      case 'tools':
        return listTools(application, settings, shell, json);
      case 'check':
        return printSettings(settings, application, shell, json);
    }
  } finally {
    await application.workers.close();
  }
}
