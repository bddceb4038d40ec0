import { setFlagsFromString } from 'node:v8';

/**
 * Keeps the pauses of garbage collections short in this process. Once V8 has seen that what is made in some place lives for long, as
 * in a burst of calls, it puts all that is made there among old objects from then on. Each of them keeps the whole call that it was
 * made for, until old objects are collected: every collection of young ones copies all calls since then.
 */
export function keepCollectionsShort(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
}
