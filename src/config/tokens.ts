import { resolve } from 'node:path';
import { z } from 'zod';
import { readYaml } from './read-yaml.ts';
import { bearerToken, type Settings } from './settings.ts';

const tokens = z
  .array(
    z.strictObject({
      name: z.string().min(1).max(64),
      token: bearerToken,
      tools: z.array(z.string()).optional(),
    }),
  )
  .min(1);

export type Tokens = z.infer<typeof tokens>;

type TokensResult<Found> =
  | { readonly ok: true; readonly tokens: Found }
  | { readonly ok: false; readonly problems: readonly string[] };

/**
 * The bearer tokens of the settings and of the file they name; `undefined` when nobody needs one. Problems name the
 * entry, never its token.
 */
export function loadTokens(
  { token, tokensFile }: Settings['auth'],
  directory: string,
): TokensResult<Tokens | undefined> {
  const single = token === undefined ? [] : [{ name: 'default', token }];
  if (tokensFile === undefined) return { ok: true, tokens: token === undefined ? undefined : single };
  const file = readTokens(resolve(directory, tokensFile));
  if (!file.ok) return file;
  const all = [...single, ...file.tokens];
  const problems = duplicates(all).map((problem) => `auth.token and auth.tokensFile: ${problem}`);
  return problems.length > 0 ? { ok: false, problems } : { ok: true, tokens: all };
}

function readTokens(path: string): TokensResult<Tokens> {
  const file = readYaml(path);
  if (!file.ok) return { ok: false, problems: [file.problem] };
  const parsed = tokens.safeParse(file.content);
  const problems = parsed.success ? duplicates(parsed.data) : parsed.error.issues.map(describe);
  if (parsed.success && problems.length === 0) return { ok: true, tokens: parsed.data };
  return { ok: false, problems: problems.map((problem) => `${path}: ${problem}`) };
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

function describe({ path, message, code }: z.core.$ZodIssue): string {
  // An unknown key may be a token in the wrong place.
  const safe = code === 'unrecognized_keys' ? 'has a field besides name, token and tools' : message;
  return `${path.map(String).join('.')}: ${safe}`;
}
