import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { didYouMean } from '../tools/near-names.ts';
import { parseYaml, readText, type TextFile } from './read-yaml.ts';
import { bearerToken } from './auth-settings.ts';
import type { Settings } from './settings.ts';

const tokenName = z.string().min(1).max(64);

const entry = z.strictObject({
  name: tokenName,
  token: bearerToken,
  tools: z.array(z.string()).optional(),
});

const FIELDS = Object.keys(entry.shape);

const tokens = z.array(entry).min(1);

export type Tokens = z.infer<typeof tokens>;

/** The settings of static tokens. */
type StaticTokens = Pick<Settings['auth'], 'token' | 'tokensFile'>;

type TokensResult =
  | { readonly ok: true; readonly tokens: Tokens }
  | { readonly ok: false; readonly problems: readonly string[] };

type LoadedTokens =
  | {
      readonly ok: true;
      /** `undefined` when nobody needs one. */
      readonly tokens: Tokens | undefined;
      /** The file that some of them are from. */
      readonly file: TextFile | undefined;
    }
  | { readonly ok: false; readonly problems: readonly string[] };

/** The bearer tokens of the settings and of the file they name. Problems name the entry, never its token. */
export function loadTokens(auth: StaticTokens, directory: string): LoadedTokens {
  const { token, tokensFile } = auth;
  if (tokensFile === undefined)
    return { ok: true, tokens: token === undefined ? undefined : ofSettings(auth), file: undefined };
  const file = readText(resolve(directory, tokensFile));
  const read = tokensOf(auth, file);
  return read.ok ? { ...read, file } : read;
}

/** The bearer tokens of the settings and of a token file as it was read. */
export function tokensOf(auth: StaticTokens, file: TextFile): TokensResult {
  const listed = parseTokens(file);
  if (!listed.ok) return listed;
  const all = [...ofSettings(auth), ...listed.tokens];
  const problems = duplicates(all).map((problem) => `auth.token and auth.tokensFile: ${problem}`);
  return problems.length > 0 ? { ok: false, problems } : { ok: true, tokens: all };
}

/** Whether what stands at a path can be read but once, as a pipe: who reads it again may wait for ever. */
export function isReadOnce(path: string): boolean {
  try {
    const stats = statSync(path);
    return !stats.isFile() && !stats.isDirectory();
  } catch {
    // Reading says why.
    return false;
  }
}

const ofSettings = ({ token }: StaticTokens): Tokens =>
  token === undefined ? [] : [{ name: 'default', token }];

function parseTokens(file: TextFile): TokensResult {
  const yaml = parseYaml(file);
  if (!yaml.ok) return { ok: false, problems: [yaml.problem] };
  const parsed = tokens.safeParse(yaml.content);
  const problems = parsed.success
    ? duplicates(parsed.data)
    : parsed.error.issues.map((issue) => describe(issue, yaml.content));
  if (parsed.success && problems.length === 0) return { ok: true, tokens: parsed.data };
  return { ok: false, problems: problems.map((problem) => `${file.path}: ${problem}`) };
}

/** Complains of names and tokens that stand twice: calls by one entry would count as calls by the other. */
function duplicates(all: Tokens): string[] {
  return all.flatMap(({ name, token }, index) =>
    all
      .slice(0, index)
      .flatMap((earlier) => [
        ...(earlier.name === name ? [`the name ${name} stands twice`] : []),
        ...(earlier.token === token ? [`${earlier.name} and ${name} have the same token`] : []),
      ]),
  );
}

const ENTRY = '{name: ci, token: …}';

function describe(issue: z.core.$ZodIssue, content: unknown): string {
  const [index, ...field] = issue.path;
  if (typeof index !== 'number')
    return `must be a list of entries such as - ${ENTRY}; a single token belongs in auth.token (in the chart auth.tokenSecret)`;
  const place = `entry ${nameOf(content, index) ?? index + 1}`;
  if (field.length === 0 && issue.code === 'invalid_type') return `${place}: must be such as ${ENTRY}`;
  return [place, ...(field.length > 0 ? [field.join('.')] : []), inWords(issue)].join(': ');
}

/** What is wrong with a field, without its value. */
function inWords(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return unknownFields(issue.keys);
  if (issue.code === 'invalid_type') {
    if (issue.message.endsWith('received undefined')) return 'is missing';
    return issue.expected === 'array'
      ? 'must be a list, as [add, time]'
      : 'must be a text; put quotes around a number';
  }
  if (issue.code === 'too_small')
    return issue.minimum === 1 ? 'is empty' : `has fewer than ${issue.minimum} characters`;
  return issue.code === 'too_big' ? `has more than ${issue.maximum} characters` : issue.message;
}

/** Says which fields are none. One that may be a token in the wrong place is not named. */
function unknownFields(keys: readonly string[]): string {
  const named = keys.filter((key) => /^[A-Za-z_]{1,15}$/.test(key));
  const what = named.length === keys.length ? `the unknown field ${named.join(', ')}` : 'an unknown field';
  return `has ${what}${didYouMean(named, FIELDS) || `; the fields are ${FIELDS.join(', ')}`}`;
}

/** The name of an entry; `undefined` where it has none, or one that could be its token in the wrong place. */
function nameOf(content: unknown, index: number): string | undefined {
  const { success, data } = z.array(z.unknown()).safeParse(content);
  const named = z.object({ name: tokenName }).safeParse(success ? data[index] : undefined);
  return named.success && !bearerToken.safeParse(named.data.name).success ? named.data.name : undefined;
}
