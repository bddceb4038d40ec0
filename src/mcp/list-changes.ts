import { createHash } from 'node:crypto';
import type { CacheScope } from '@modelcontextprotocol/server';
import type { Catalogue } from '../tools/catalogue.ts';
import type { OfferedTool } from '../tools/offered-tool.ts';

/** A list that changes while the server runs. */
export interface ChangingList {
  /** What its parts say of keeping them, where they say something. */
  readonly hints: () => ListHints;
}

/** How long, in milliseconds, and by whom a list may be kept. */
export interface ListHints {
  readonly ttlMs?: number;
  readonly cacheScope?: CacheScope;
}

/** What clients may keep a tools/list answer for, in milliseconds. */
export const LIST_TTL_MS = 60_000;

/** Of what the parts of a list say the shortest time; and that it is for one caller alone, if one of them is. */
export function hintsOf({
  changingList,
  authenticated,
}: {
  readonly changingList: ChangingList | undefined;
  readonly authenticated: boolean;
}): Required<ListHints> {
  const { ttlMs = LIST_TTL_MS, cacheScope } = changingList?.hints() ?? {};
  const isPrivate = authenticated || cacheScope === 'private';
  return { ttlMs: Math.min(ttlMs, LIST_TTL_MS), cacheScope: isPrivate ? 'private' : 'public' };
}

/** Least time between two notices, in seconds, however often the list changes. */
const EVERY_SECONDS = 5;

/**
 * Tells clients that the list of tools has changed: seldom, and only when it is another one than they were told of before.
 * @param tell is called when they are to be told
 * @returns what ends that
 */
export function tellOfChanges(catalogue: Catalogue, now: () => number, tell: () => void): () => void {
  let told = digestOf(catalogue.tools);
  let toldAt = -Infinity;
  let waiting: NodeJS.Timeout | undefined;
  const look = (): void => {
    waiting = undefined;
    const digest = digestOf(catalogue.tools);
    if (digest === told) return;
    told = digest;
    toldAt = now();
    tell();
  };
  const unsubscribe = catalogue.subscribe(() => {
    waiting ??= setTimeout(look, Math.max(0, toldAt + EVERY_SECONDS - now()) * 1000).unref();
  });
  return () => {
    unsubscribe();
    clearTimeout(waiting);
  };
}

/** The same for the same tools, in whatever order. */
function digestOf(tools: readonly OfferedTool[]): string {
  const hash = createHash('sha256');
  for (const each of tools.map(({ listing }) => JSON.stringify(listing)).sort()) hash.update(each);
  return hash.digest('base64');
}
