import type { Settings } from './settings.ts';
import { loadStateKeys, type StateKeys } from './state-key.ts';
import { loadTokens } from './tokens.ts';

type LoadedTokens = Extract<ReturnType<typeof loadTokens>, { readonly ok: true }>;

/** The secrets that the settings name by their files. */
export type Secrets = Pick<LoadedTokens, 'file' | 'tokens'> & { readonly stateKeys: StateKeys };

/** Reads the secrets of the settings. */
export function loadSecrets(
  settings: Pick<Settings, 'auth' | 'sessions'>,
  directory: string,
):
  | { readonly ok: true; readonly secrets: Secrets }
  | { readonly ok: false; readonly problems: readonly string[] } {
  const callers = loadTokens(settings.auth, directory);
  const keys = loadStateKeys(settings.sessions, directory);
  if (callers.ok && keys.ok)
    return { ok: true, secrets: { file: callers.file, tokens: callers.tokens, stateKeys: keys.keys } };
  return { ok: false, problems: [callers, keys].flatMap((part) => (part.ok ? [] : part.problems)) };
}
