import { Fault } from './fault.ts';
import type { Link } from './link.ts';

/** Most pages of a list, and most tools. */
const MAX_PAGES = 64;
const MAX_TOOLS = 10_000;

/** What an upstream lists, as it sends it. */
export interface RawList {
  readonly tools: readonly unknown[];
  readonly hints: ListHints;
}

/** How long, in milliseconds, and by whom a list may be kept. An upstream of the 2025 era says nothing of it. */
export interface ListHints {
  readonly ttlMs?: number;
  readonly cacheScope?: 'public' | 'private';
}

/**
 * Reads all pages of an upstream's list.
 * @param seconds how long each may take
 */
export async function readList(link: Link, seconds: number): Promise<RawList> {
  const tools: unknown[] = [];
  let hints: ListHints = {};
  let cursor: string | undefined;
  for (let pages = 1; ; pages += 1) {
    const page = (await link.list(cursor, seconds)) as Readonly<Record<string, unknown>> | undefined;
    const { tools: some, nextCursor, ...rest } = page ?? {};
    if (!Array.isArray(some)) throw new Fault('refused', 'is none that MCP has');
    for (const tool of some) tools.push(tool);
    hints = strictest([hints, hintsIn(rest)]);
    if (typeof nextCursor !== 'string') return { tools, hints };
    if (pages >= MAX_PAGES) throw new Fault('refused', `has more than ${MAX_PAGES} pages`);
    if (tools.length > MAX_TOOLS) throw new Fault('refused', `has more than ${MAX_TOOLS} tools`);
    cursor = nextCursor;
  }
}

const hintsIn = ({ ttlMs, cacheScope }: Readonly<Record<string, unknown>>): ListHints => ({
  ...(typeof ttlMs === 'number' && ttlMs >= 0 && { ttlMs }),
  ...(cacheScope === 'private' && { cacheScope }),
});

/** The shortest time; and one caller alone, if one of them says so. */
export function strictest(all: readonly ListHints[]): ListHints {
  const times = all.flatMap(({ ttlMs }) => ttlMs ?? []);
  const isPrivate = all.some(({ cacheScope }) => cacheScope === 'private');
  return {
    ...(times.length > 0 && { ttlMs: Math.min(...times) }),
    ...(isPrivate && { cacheScope: 'private' }),
  };
}
