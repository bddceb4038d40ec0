import { readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';

const tokens = z
  .array(
    z.strictObject({
      name: z.string().min(1).max(64),
      token: z
        .string()
        .regex(/^[\w.~+/-]+=*$/)
        .min(16),
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
  let content: unknown;
  try {
    content = parseYaml(readFileSync(path, 'utf8'), { logLevel: 'silent' });
  } catch (error) {
    // Not the parser's message: it quotes the line it stumbled over.
    const reason =
      error instanceof Error && 'code' in error && String(error.code).startsWith('E')
        ? error.code
        : 'not YAML';
    return { ok: false, problems: [`${path}: cannot be read: ${String(reason)}`] };
  }
  const parsed = tokens.safeParse(content);
  if (!parsed.success)
    return {
      ok: false,
      problems: parsed.error.issues.map(({ path: at, message }) => `${path}: ${at.join('.')}: ${message}`),
    };
  const names = parsed.data.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) return { ok: false, problems: [`${path}: the name ${twice} stands twice`] };
  return { ok: true, tokens: parsed.data };
}
