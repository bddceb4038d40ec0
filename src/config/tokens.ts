import { z } from 'zod';
import { readYaml } from './read-yaml.ts';
import { bearerToken } from './settings.ts';

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

/** Reads a file of bearer tokens. Problems name the entry, never its token. */
export function loadTokens(
  path: string,
):
  | { readonly ok: true; readonly tokens: Tokens }
  | { readonly ok: false; readonly problems: readonly string[] } {
  const file = readYaml(path);
  if (!file.ok) return { ok: false, problems: [file.problem] };
  const parsed = tokens.safeParse(file.content);
  const problems = parsed.success ? twins(parsed.data) : parsed.error.issues.map(describe);
  if (parsed.success && problems.length === 0) return { ok: true, tokens: parsed.data };
  return { ok: false, problems: problems.map((problem) => `${path}: ${problem}`) };
}

/** Names and tokens that stand twice: one of the entries would be somebody else's. */
export function twins(all: Tokens): string[] {
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
