import { createHash } from 'node:crypto';
import { UNKNOWN_TOOL } from '../tools/reasons.ts';

/** What every host and model takes. */
const FOR_HOSTS = /^[A-Za-z0-9_-]{1,64}$/;
const MAX_LENGTH = 64;
const HASH_LENGTH = 8;

/** Longer names are none that anybody meant. */
const LONGEST = 256;

/**
 * The name under which an upstream's tool is offered, or `undefined` for what can be none. It depends on its arguments alone, so
 * that nothing that other upstreams do moves it: what hosts do not take is replaced, and a hash of the whole name keeps those
 * apart that would be alike then.
 */
export function offeredName(prefix: string, name: unknown): string | undefined {
  if (typeof name !== 'string' || name === '' || name.length > LONGEST) return undefined;
  const whole = prefix + name;
  if (FOR_HOSTS.test(whole) && whole !== UNKNOWN_TOOL) return whole;
  const hash = createHash('sha256').update(whole).digest('hex').slice(0, HASH_LENGTH);
  const readable = whole.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, MAX_LENGTH - HASH_LENGTH - 1);
  return `${readable}_${hash}`;
}
