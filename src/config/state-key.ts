import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Settings } from './settings.ts';

const LEAST_BYTES = 32;

/** Reads the key that seals the state of input requests. Without a file, makes one that lasts as long as the process. */
export function loadStateKey(
  { stateKeyFile }: Settings['sessions'],
  directory: string,
):
  | { readonly ok: true; readonly key: Uint8Array }
  | { readonly ok: false; readonly problems: readonly string[] } {
  if (stateKeyFile === undefined) return { ok: true, key: randomBytes(LEAST_BYTES) };
  const path = resolve(directory, stateKeyFile);
  const refuse = (problem: string) =>
    ({ ok: false, problems: [`sessions.stateKeyFile: ${path} ${problem}`] }) as const;
  try {
    const key = readFileSync(path);
    return key.length >= LEAST_BYTES ? { ok: true, key } : refuse(`has fewer than ${LEAST_BYTES} bytes`);
  } catch (error) {
    return refuse(`cannot be read: ${String(error)}`);
  }
}
