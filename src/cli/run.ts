import { HELP, parseArguments } from './arguments.ts';
import { readProbeOptions } from './probe/options.ts';
import { complain, EXIT, interruption, unexpected, type ExitCode, type Shell } from './shell.ts';

/** Runs one command to its end and returns the exit code. Does not throw. */
export async function run(shell: Shell): Promise<ExitCode> {
  try {
    return await runCommand(shell);
  } catch (error) {
    shell.stderr.write(unexpected(error));
    return EXIT.failed;
  }
}

/** Each command loads what it needs, and no more: loading the whole server takes most of a second. */
async function runCommand(shell: Shell): Promise<ExitCode> {
  const parsed = parseArguments(shell.argv);
  if (!parsed.ok) return complain(shell, [...parsed.problems, 'see nexus-mcp --help']);
  const { command, operands, probe: flags } = parsed.arguments;
  switch (command) {
    case 'help':
    case 'version':
      shell.stdout.write(command === 'help' ? HELP : `${shell.version}\n`);
      return EXIT.done;
    case 'probe': {
      const read = readProbeOptions(operands[0], flags, shell.env, shell.directory);
      if (!read.ok) return complain(shell, read.problems);
      const { probe } = await import('./probe.ts');
      const well = await probe(read.options, { ...shell, terminal: shell, interrupted: interruption(shell) });
      return well ? EXIT.done : EXIT.failed;
    }
    case 'serve':
    case 'stdio':
    case 'call':
    case 'tools':
    case 'check': {
      const { runWithSettings } = await import('./run-with-settings.ts');
      return runWithSettings(command, parsed.arguments, shell);
    }
  }
}
