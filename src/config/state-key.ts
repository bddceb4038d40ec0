import { isUtf8 } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Settings } from './settings.ts';

const LEAST_BYTES = 32;

/** The key that is used, and the one before or after it. */
const MOST_KEYS = 2;

/** Keys that seal what clients carry: the first seals, all open. */
export type StateKeys = readonly [Uint8Array, ...Uint8Array[]];

/**
 * Reads the keys that seal session ids and the state of input requests. Without a file, makes one that lasts as long as the
 * process.
 */
export function loadStateKeys(
  { stateKeyFile }: Settings['sessions'],
  directory: string,
):
  | { readonly ok: true; readonly keys: StateKeys }
  | { readonly ok: false; readonly problems: readonly string[] } {
  if (stateKeyFile === undefined) return { ok: true, keys: [randomBytes(LEAST_BYTES)] };
  const path = resolve(directory, stateKeyFile);
  const refuse = (problem: string) =>
    ({ ok: false, problems: [`sessions.stateKeyFile: ${path} ${problem}`] }) as const;
  try {
    const [first, ...others] = keysIn(readFileSync(path));
    if (!first) return refuse('has no key');
    const short = [first, ...others].findIndex((key) => key.length < LEAST_BYTES);
    if (short >= 0 && others.length === 0) return refuse(`has fewer than ${LEAST_BYTES} bytes`);
    if (short >= 0)
      return refuse(`has fewer than ${LEAST_BYTES} characters in line ${short + 1}: each line is a key`);
    if (others.length >= MOST_KEYS) return refuse(`has more than ${MOST_KEYS} lines: each line is a key`);
    return { ok: true, keys: [first, ...others] };
  } catch (error) {
    return refuse(`cannot be read: ${String(error)}`);
  }
}

/** Characters that show that bytes are no text. */
const CONTROL = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F]/;

/** The lines of a text; any other bytes are one key. */
function keysIn(bytes: Buffer): readonly Uint8Array[] {
  if (!isUtf8(bytes) || CONTROL.test(bytes.toString())) return [bytes];
  const lines = bytes
    .toString()
    .replace(/^\uFEFF/, '')
    .split('\n')
    .map((line) => line.trim());
  return lines.filter((line) => line !== '').map((line) => Buffer.from(line));
}
