import { dirname, resolve } from 'node:path';
import { didYouMean } from '../tools/near-names.ts';
import { parseYaml, readText, type YamlFile } from './read-yaml.ts';
import { keysAt, listSettings, type Setting } from './setting-list.ts';
import { OWN_SETTINGS, settingsSchema, type Settings } from './settings.ts';

/** Where settings come from. */
export interface Sources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `--server.port 8080` as `{'server.port': '8080'}`. */
  readonly flags: Readonly<Record<string, string>>;
  /** The configuration file that `--config` names. */
  readonly file?: string | undefined;
  readonly directory: string;
}

export type LoadResult =
  | {
      readonly ok: true;
      readonly settings: Settings;
      /** The configuration file, where there is one. */
      readonly file: string | undefined;
      /** What relative paths in the settings start from: the configuration file's directory. */
      readonly directory: string;
      /** A problem that begins with a setting, with where the value of that came from. */
      readonly located: (problem: string) => string;
    }
  | { readonly ok: false; readonly problems: readonly string[] };

interface Draft {
  readonly values: Record<string, unknown>;
  /** Which variable or flag set a path, for error messages. */
  readonly origins: Map<string, string>;
  readonly problems: string[];
}

/**
 * Merges the configuration file, environment variables and flags, in rising precedence, and validates the
 * result. Empty values count as unset.
 * @returns every problem at once, each with the setting and where its value came from
 */
export function loadSettings({ env, flags, file, directory }: Sources): LoadResult {
  const named = nonEmpty(file) ?? nonEmpty(env[CONFIG_VARIABLE]);
  const path = named === undefined ? undefined : resolve(directory, named);
  const start = path === undefined ? directory : dirname(path);
  const problemsOfFile: string[] = [];
  const values = path === undefined ? {} : readConfigFile(path, problemsOfFile);
  const isRead = problemsOfFile.length === 0;
  const draft: Draft = { values, origins: new Map(), problems: problemsOfFile };
  const settings = listSettings();
  readEnvironment(env, settings, draft);
  readFlags(flags, settings, draft);

  const parsed = settingsSchema.safeParse(draft.values);
  const invalid = parsed.success
    ? []
    : parsed.error.issues.map((issue) => describe(issue, draft.origins, path));
  if (parsed.success && parsed.data.shutdown.delaySeconds >= parsed.data.shutdown.deadlineSeconds) {
    draft.problems.push(
      'shutdown.delaySeconds: must be less than shutdown.deadlineSeconds, which includes it',
    );
  }
  // Of a file that cannot be read, what it says to the others is missing.
  if (parsed.success && isRead)
    for (const problemsOf of [problemsOfPeers, problemsOfIssuers, problemsOfAudit, problemsOfMetrics])
      draft.problems.push(...problemsOf(parsed.data));
  const problems = [...draft.problems, ...invalid];
  if (!parsed.success || problems.length > 0) return { ok: false, problems };
  const located = (problem: string): string => {
    const setting = settings.find((each) => problem.startsWith(`${each.path}: `))?.path;
    if (setting === undefined) return problem;
    return `${setting}${originOf(setting.split('.'), draft.origins, path)}${problem.slice(setting.length)}`;
  };
  return { ok: true, settings: parsed.data, file: path, directory: start, located };
}

function problemsOfPeers({ sessions: { peers, address }, ops }: Settings): string[] {
  const problems: string[] = [];
  if (peers.length > 0 && address === undefined)
    problems.push(
      'sessions.peers: needs sessions.address (NEXUS_SESSIONS_ADDRESS), at which others reach this replica',
    );
  if ((peers.length > 0 || address !== undefined) && ops.port === undefined)
    problems.push('sessions.address, sessions.peers: need ops.port, at which replicas reach each other');
  return problems;
}

function problemsOfIssuers({ auth }: Settings): string[] {
  if (auth.issuers.length > 0 && auth.resource === undefined)
    return ['auth.issuers: needs auth.resource, the URL of /mcp as clients know it'];
  if (auth.issuers.length === 0 && auth.resource !== undefined)
    return ['auth.resource: needs auth.issuers, who give tokens for it'];
  return [];
}

const problemsOfAudit = ({ audit }: Settings): string[] =>
  audit.file !== undefined && !audit.enabled ? ['audit.file: needs audit.enabled'] : [];

const problemsOfMetrics = ({ metrics, auth: { token, tokensFile, issuers } }: Settings): string[] =>
  metrics.needToken && token === undefined && tokensFile === undefined && issuers.length === 0
    ? [
        'metrics.needToken: needs auth.token, auth.tokensFile or auth.issuers; without them everybody may read the metrics',
      ]
    : [];

const CONFIG_VARIABLE = 'NEXUS_CONFIG';

/** Names the commit an image was built from; not a setting. */
export const REVISION_VARIABLE = 'NEXUS_REVISION';

/** Where a command was to write a file, and failed: nothing, or what yq makes of nothing. */
const isEmpty = (text: string): boolean => ['', 'null'].includes(text.trim());

function readConfigFile(path: string, problems: string[]): Record<string, unknown> {
  const text = readText(path);
  const file = parseYaml(text);
  if (!file.ok) problems.push(file.problem);
  else if (text.ok && isEmpty(text.text))
    problems.push(
      `${path}: is empty: did the command fail that was to write it? Without settings it must be {}`,
    );
  else if (isMapping(file.content)) {
    const known = new Set(listSettings().flatMap(({ path }) => [path, path.split('.', 1)[0]]));
    const groups = withoutUnset(file.content, (group) => known.has(group)).map(([group, section]) => [
      group,
      isMapping(section)
        ? Object.fromEntries(withoutUnset(section, (key) => known.has(`${group}.${key}`)))
        : section,
    ]);
    return Object.fromEntries(groups) as Record<string, unknown>;
  } else if (file.content !== null) problems.push(`${path}: must be a YAML mapping`);
  return {};
}

const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Leaves out known entries without a value, such as `port:` with nothing behind it. Unknown ones stay, so that validation
 * reports them.
 */
const withoutUnset = (
  mapping: Readonly<Record<string, unknown>>,
  isKnown: (key: string) => boolean,
): [string, unknown][] =>
  Object.entries(mapping).filter(([key, value]) => (value !== null && value !== '') || !isKnown(key));

function readEnvironment(env: Sources['env'], settings: readonly Setting[], draft: Draft): void {
  const known = new Set([CONFIG_VARIABLE, REVISION_VARIABLE, ...settings.flatMap((setting) => setting.env)]);
  for (const setting of settings) {
    for (const name of setting.env.toReversed()) {
      const text = nonEmpty(env[name]);
      if (text !== undefined && !isServiceLink(name, text)) set(draft, setting, text, name);
    }
  }
  for (const [name, text = ''] of Object.entries(env)) {
    if (name.startsWith('NEXUS_') && !known.has(name) && !isServiceLink(name, text))
      draft.problems.push(`${name}: there is no such setting${didYouMean(name, known) || RESERVED}`);
  }
}

const RESERVED =
  '; variables that begin with NEXUS_ are settings of the server, so give one of your own another name';

/**
 * Whether a variable is one of those that Kubernetes sets in every pod for each Service of the namespace. A Service may
 * be called nexus-…, and the variable NEXUS_SERVER_PORT of one called nexus-server even has the name of a setting.
 */
const isServiceLink = (name: string, text: string): boolean =>
  /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)$/.test(name) ||
  (name.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(text));

function readFlags(flags: Sources['flags'], settings: readonly Setting[], draft: Draft): void {
  const known = settings.map(({ path }) => `--${path}`);
  for (const [name, text] of Object.entries(flags)) {
    const setting = settings.find(({ path }) => path === name);
    if (setting && text !== '') set(draft, setting, text, `--${name}`);
    else if (!setting)
      draft.problems.push(`--${name}: there is no such setting${didYouMean(`--${name}`, known)}`);
  }
}

function set(draft: Draft, setting: Setting, text: string, origin: string): void {
  const [group = '', key] = setting.path.split('.');
  draft.origins.set(setting.path, origin);
  const parsed = parseText(setting, text, origin);
  if (!parsed.ok) draft.problems.push(parsed.problem);
  if (!parsed.ok) return;
  if (key === undefined) {
    draft.values[group] = parsed.content;
    return;
  }
  const section = draft.values[group] ?? {};
  // A group that is no mapping stays as it is, so that validation reports it.
  if (!isMapping(section)) return;
  draft.values[group] = { ...section, [key]: parsed.content };
}

/** Turns a text into the type of its setting. What does not fit stays a text, so that validation reports it. */
function parseText({ kind, path }: Setting, text: string, origin: string): YamlFile {
  if (kind === 'map') return parseYaml({ ok: true, path: `${path} (from ${origin})`, text });
  return { ok: true, content: plainValue(kind, text) };
}

function plainValue(kind: Exclude<Setting['kind'], 'map'>, text: string): unknown {
  switch (kind) {
    case 'string':
      return text;
    case 'number':
      return parseNumber(text);
    case 'boolean':
      return { true: true, '1': true, false: false, '0': false }[text.trim().toLowerCase()] ?? text;
    case 'list':
      return partsOf(text);
    case 'numbers':
      return partsOf(text).map(parseNumber);
  }
}

const parseNumber = (text: string): unknown => (/^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text);

const partsOf = (text: string): readonly string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** The text, or `undefined` if it is empty: a build argument or Helm value that is not set arrives as an empty text. */
export const nonEmpty = (text: string | undefined): string | undefined => (text === '' ? undefined : text);

function describe(
  issue: { readonly path: PropertyKey[]; readonly message: string; readonly keys?: readonly string[] },
  origins: Draft['origins'],
  file: string | undefined,
): string {
  const keys = issue.path.map(String);
  const place = `${keys.join('.') || 'configuration'}${originOf(keys, origins, file)}`;
  return `${place}: ${issue.message}${meant(issue.path, issue.keys)}`;
}

/** Where the value of a setting came from, as problems say it. */
function originOf(keys: readonly string[], origins: Draft['origins'], file: string | undefined): string {
  const [group = ''] = keys;
  const origin = origins.get(keys.slice(0, 2).join('.')) ?? origins.get(group) ?? file;
  return origin === undefined ? '' : ` (from ${origin})`;
}

/** Which keys may be meant by unknown ones, in a place of the settings. Where none is near, it lists the keys of that place. */
function meant(path: readonly PropertyKey[], keys: readonly string[] = []): string {
  if (keys.length === 0) return '';
  const known = keysAt(path);
  const isOfTool = path[0] === 'tools' && path[1] === 'settings';
  return (
    didYouMean(keys, known) || `; the keys are ${known.join(', ')}${isOfTool ? `. ${OWN_SETTINGS}` : ''}`
  );
}
