import { parseArgs, type ParseArgsConfig } from 'node:util';
import { listSettings } from '../config/setting-list.ts';
import { didYouMean } from '../tools/near-names.ts';
import { PROBE_OPTIONS, type ProbeFlags } from './probe/options.ts';

export const COMMANDS = {
  serve: 'Serve MCP, REST and metrics over HTTP (the default)',
  stdio: 'Serve MCP over stdin and stdout, for a desktop client',
  call: 'Call a tool: call add \'{"a":5,"b":3}\'',
  tools: 'List the tools',
  check: 'Check the configuration and print what is in effect',
  probe: 'Check that a running server answers and counts calls: probe http://localhost:9999',
} as const;

export type Command = keyof typeof COMMANDS;

export interface Arguments {
  readonly command: Command | 'help' | 'version';
  /** What follows the command. */
  readonly operands: readonly string[];
  readonly config: string | undefined;
  readonly json: boolean;
  /** Settings given as flags, by path. */
  readonly settings: Readonly<Record<string, string>>;
  /** Options that only `probe` has. */
  readonly probe: ProbeFlags;
}

export type ArgumentsResult =
  | { readonly ok: true; readonly arguments: Arguments }
  | { readonly ok: false; readonly problems: readonly string[] };

const SHORTHANDS: Readonly<Record<string, string>> = { port: 'server.port', host: 'server.host' };
const OPERANDS: Readonly<Partial<Record<Command, number>>> = { call: 2, probe: 1 };

/** Parses a command line, without the program's own name. */
export function parseArguments(argv: readonly string[]): ArgumentsResult {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const known = listSettings();
  const lists = known.filter(({ kind }) => kind === 'list' || kind === 'numbers').map(({ path }) => path);
  const settingNames = [...known.map(({ path }) => path), ...Object.keys(SHORTHANDS)];
  const options = {
    ...Object.fromEntries(settingNames.map((name) => [name, text])),
    config: { ...text, short: 'c' },
    json: flag,
    ...Object.fromEntries(
      Object.keys(PROBE_OPTIONS).map((name) => [name, name.startsWith('no-') ? flag : text]),
    ),
    help: { ...flag, short: 'h' },
    version: { ...flag, short: 'v' },
  };
  let parsed;
  try {
    parsed = parseArgs({ args: [...argv], options, allowPositionals: true, tokens: true });
  } catch (error) {
    return { ok: false, problems: problemsOf(error, argv, options) };
  }
  const named = parsed.tokens.flatMap((token) => (token.kind === 'option' ? [token.name] : []));
  // Of another setting that is given twice, the last value wins. Of a list, somebody may expect both to count.
  const twice = lists.find((path) => named.filter((name) => name === path).length > 1);
  if (twice !== undefined) return refused(`--${twice} is given twice${ONE_VALUE}`);
  const { config, json, help, version, ...rest } = parsed.values;
  const [command = 'serve', ...operands] = parsed.positionals;
  const nothing = { operands: [], config: undefined, json: false, settings: {}, probe: {} };
  if (help === true || version === true)
    return { ok: true, arguments: { ...nothing, command: help === true ? 'help' : 'version' } };
  if (!isCommand(command))
    return refused(
      `there is no command ${command}${isPath(command) ? ONE_VALUE : didYouMean(command, Object.keys(COMMANDS))}`,
    );
  if (operands.length > (OPERANDS[command] ?? 0)) return refused(`too many operands for ${command}`);
  const given = Object.entries(rest).map(([name, value]) => [name, String(value)] as const);
  const probe = given.filter(([name]) => Object.hasOwn(PROBE_OPTIONS, name));
  const stray = Object.keys(parsed.values).find(
    (name) => Object.hasOwn(PROBE_OPTIONS, name) !== (command === 'probe'),
  );
  if (stray !== undefined) return refused(`--${stray} is not an option of ${command}`);
  const settings = given.filter(([name]) => !Object.hasOwn(PROBE_OPTIONS, name));
  return {
    ok: true,
    arguments: {
      command,
      operands,
      config: typeof config === 'string' ? config : undefined,
      json: json === true,
      settings: Object.fromEntries(settings.map(([name, value]) => [SHORTHANDS[name] ?? name, value])),
      probe: Object.fromEntries(probe),
    },
  };
}

const refused = (problem: string): ArgumentsResult => ({ ok: false, problems: [problem] });

/** Every option that there is not, where Node names the first alone; else what Node says. */
function problemsOf(
  error: unknown,
  argv: readonly string[],
  options: NonNullable<ParseArgsConfig['options']>,
): readonly string[] {
  const { tokens } = parseArgs({
    args: [...argv],
    options,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const known = Object.keys(options).map((name) => `--${name}`);
  const unknown = tokens.flatMap((token) =>
    token.kind === 'option' && !Object.hasOwn(options, token.name) ? [token.rawName] : [],
  );
  if (unknown.length === 0) return [error instanceof Error ? error.message : String(error)];
  return [...new Set(unknown)].map(
    (option) =>
      `there is no option ${option}${didYouMean(option, known) || ';'} nexus-mcp check prints the settings, and each is an option`,
  );
}

const isCommand = (name: string): name is Command => Object.hasOwn(COMMANDS, name);

/** What `--help` prints. */
export const HELP = `Usage: nexus-mcp [command] [options]

Commands
${Object.entries(COMMANDS)
  .map(([name, what]) => `  ${name.padEnd(7)} ${what}`)
  .join('\n')}

Options
  -c, --config FILE   Read settings from a YAML file (also NEXUS_CONFIG)
  --port N, --host H  Short for --server.port and --server.host
  --<setting> VALUE   Any setting, for example --log.level debug; check prints them all
  --json              Print JSON (call, tools, check)
  -h, --help          Print this
  -v, --version       Print the version

Options of probe
${Object.entries(PROBE_OPTIONS)
  .map(([name, what]) => `  --${name.padEnd(17)} ${what}`)
  .join('\n')}

Settings also come from the environment, as NEXUS_SERVER_PORT for server.port. Flags win over the
environment, which wins over the file.

Exit codes
  0  done; for serve and stdio: stopped in order
  1  failed: the tool or a check of probe failed, a port was taken, or work was cut off at the deadline
  2  wrong usage or configuration, or a tool module that does not load; every problem is printed
  Any other: a tool ended the process.

Ctrl-C (SIGINT) and SIGTERM stop a command in order, a second one at once. A handler that loops
without isolation: 'worker' blocks the process: then only SIGKILL (kill -9) ends it.
`;

const ONE_VALUE = '; a list is one value, with commas: a,b';

/** Of a list of files that are separated by blanks, all but the first are taken for a command and its operands. */
const isPath = (text: string): boolean => /[./]/.test(text);
