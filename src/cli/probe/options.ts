import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** What `probe` is asked to do. */
export interface ProbeOptions {
  /** The address of the server, without `/mcp`. */
  readonly server: URL;
  /** Where its metrics are; `undefined` looks at none. */
  readonly metrics: URL | undefined;
  /** Where it says whether it is ready; `undefined` asks beside the metrics, or below the server's address. */
  readonly ready: URL | undefined;
  /** The tool to call, and with what; `undefined` takes one of our own. */
  readonly call: ToolUse | undefined;
  readonly token: string | undefined;
  readonly deadlineSeconds: number;
}

export interface ToolUse {
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** The options of `probe`, as `--help` explains them. */
export const PROBE_OPTIONS = {
  'metrics-url': 'URL of its metrics, with or without /metrics (default: at URL)',
  'no-metrics': 'Skip the checks of metrics, for a server without metrics',
  'ready-url': 'URL of /readyz, with or without that path (default: beside the metrics, or at URL)',
  tool: 'The read-only tool to call (default: current_timestamp)',
  arguments: "The tool's arguments, as JSON (default: {})",
  'token-file': 'File with the bearer token (also NEXUS_PROBE_TOKEN)',
  deadline: 'Seconds that all checks may take (default: 30)',
} as const;

export type ProbeFlags = Readonly<Partial<Record<keyof typeof PROBE_OPTIONS, string>>>;

const TOKEN_VARIABLE = 'NEXUS_PROBE_TOKEN';
const DEADLINE_SECONDS = 30;
/** A day, as long as any setting of seconds may be. */
const MAX_DEADLINE_SECONDS = 86_400;

export type ProbeOptionsResult =
  | { readonly ok: true; readonly options: ProbeOptions }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Reads the options of `probe`; returns every problem with them at once. */
export function readProbeOptions(
  url: string | undefined,
  flags: ProbeFlags,
  env: Readonly<Record<string, string | undefined>>,
  directory: string,
): ProbeOptionsResult {
  const problems: string[] = [];
  const complain = (problem: string): void => {
    problems.push(problem);
  };
  if (url === undefined) complain(NO_URL);
  const server = url === undefined ? undefined : readUrl('the URL', url, complain);
  const options = {
    metrics: readMetrics(server, flags, complain),
    ready: readUrlOf('ready-url', 'readyz', flags, complain),
    call: readCall(flags, complain),
    token: readToken(flags['token-file'], env[TOKEN_VARIABLE], directory, complain),
    deadlineSeconds: readDeadline(flags.deadline, complain),
  };
  if (!server || problems.length > 0) return { ok: false, problems };
  return { ok: true, options: { ...options, server: below(server, '.') } };
}

const NO_URL = 'probe needs the URL of a server, for example http://localhost:9999';

type Complain = (problem: string) => void;

function readUrl(what: string, text: string, complain: Complain): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    complain(`${what} must begin with http:// or https://, as http://localhost:9999 does`);
    return undefined;
  }
  if (url.username !== '' || url.password !== '')
    complain(`${what} must not hold credentials; give a token in --token-file or ${TOKEN_VARIABLE}`);
  return url;
}

/** Reads an option that may leave out the path which is meant. */
function readUrlOf(
  option: 'metrics-url' | 'ready-url',
  path: string,
  flags: ProbeFlags,
  complain: Complain,
): URL | undefined {
  const text = flags[option];
  const url = text === undefined ? undefined : readUrl(`--${option}`, text, complain);
  return url?.pathname === '/' ? new URL(path, url) : url;
}

function readMetrics(server: URL | undefined, flags: ProbeFlags, complain: Complain): URL | undefined {
  const { 'metrics-url': url, 'no-metrics': none } = flags;
  if (none === undefined) {
    return readUrlOf('metrics-url', 'metrics', flags, complain) ?? (server && below(server, 'metrics'));
  }
  if (url !== undefined) complain('--metrics-url and --no-metrics exclude each other');
  return undefined;
}

/** A path below the server's address, which may be given with `/mcp` at its end. */
export function below(server: URL, path: string): URL {
  const base = new URL(server);
  base.pathname = `${base.pathname.replace(/\/(mcp\/?)?$/, '')}/`;
  base.search = base.hash = '';
  return new URL(path, base);
}

function readCall({ tool, arguments: text = '{}' }: ProbeFlags, complain: Complain): ToolUse | undefined {
  const args = parseObject(text);
  if (!args) complain('--arguments must be a JSON object; quote it, for example \'{"a":5,"b":3}\'');
  if (tool === undefined && text !== '{}') complain('--arguments needs --tool');
  return tool !== undefined && args ? { tool, args } : undefined;
}

function parseObject(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function readToken(
  file: string | undefined,
  variable: string | undefined,
  directory: string,
  complain: Complain,
): string | undefined {
  let token = variable?.trim();
  if (file !== undefined) {
    try {
      token = readFileSync(resolve(directory, file), 'utf8').trim();
    } catch (error) {
      complain(`--token-file: ${file} cannot be read: ${codeOf(error)}`);
      return undefined;
    }
    if (token === '') complain(`--token-file: ${file} is empty`);
  }
  if (token === undefined || token === '') return undefined;
  // RFC 6750 section 2.1; the token itself is not said.
  if (!/^[\w.~+/-]+=*$/.test(token))
    complain(`${file === undefined ? TOKEN_VARIABLE : '--token-file'} does not hold a bearer token`);
  return token;
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error);

function readDeadline(text: string | undefined, complain: Complain): number {
  if (text === undefined) return DEADLINE_SECONDS;
  const seconds = Number(text);
  if (!(text.trim() !== '' && seconds > 0 && seconds <= MAX_DEADLINE_SECONDS))
    complain(`--deadline must be a number of seconds, above 0 and at most ${MAX_DEADLINE_SECONDS}`);
  return seconds;
}
