import { Fault, noAnswerWithin } from './fault.ts';
import type { Link } from './link.ts';
import { isTooDeep } from './nesting.ts';

/** The largest page: it is read in one go, and nothing else goes on meanwhile. A thousand tools as they are usually described fit in. */
const MAX_PAGE_BYTES = 2 * 1024 * 1024;

/** Most pages of a list, and most tools, and most characters of JSON of all. */
const MAX_PAGES = 64;
export const MAX_TOOLS = 10_000;
const MAX_CHARACTERS = 8 * 1024 * 1024;

/** All pages may take so many times as long as one may. */
const TIMES = 4;

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
 * @param now monotonic, in seconds
 */
export async function readList(
  link: Pick<Link, 'list'>,
  seconds: number,
  now: () => number,
): Promise<RawList> {
  const until = now() + TIMES * seconds;
  const tools: unknown[] = [];
  let hints: ListHints = {};
  let cursor: string | undefined;
  let characters = 0;
  for (let pages = 1; ; pages += 1) {
    const left = until - now();
    if (left <= 0) throw noAnswerWithin(TIMES * seconds);
    const page = await link.list(cursor, Math.min(seconds, left), MAX_PAGE_BYTES).catch(ofPage);
    const { tools: some, nextCursor, ...rest } = (page ?? {}) as Readonly<Record<string, unknown>>;
    if (!Array.isArray(some)) throw new Fault('refused', 'is none that MCP has');
    if (tools.length + some.length > MAX_TOOLS)
      throw new Fault('refused', `has more than ${MAX_TOOLS} tools`);
    for (const tool of some.map(written)) {
      characters += tool.characters;
      tools.push(tool.given);
    }
    if (characters > MAX_CHARACTERS) throw new Fault('refused', `has more than ${MAX_CHARACTERS} characters`);
    hints = strictest([hints, hintsIn(rest)]);
    if (typeof nextCursor !== 'string') return { tools, hints };
    if (pages >= MAX_PAGES) throw new Fault('refused', `has more than ${MAX_PAGES} pages`);
    cursor = nextCursor;
  }
}

/** Says of a page that is too large what would do. */
function ofPage(error: unknown): never {
  if (!(error instanceof Fault) || error.kind !== 'too_large') throw error;
  throw new Fault(
    'too_large',
    `has a page of more than ${MAX_PAGE_BYTES} bytes: it needs more and smaller ones`,
  );
}

/** A tool as far as it can be one that is offered, and how large it is: of one that cannot be written only the name stays. */
function written(tool: unknown): { readonly given: unknown; readonly characters: number } {
  const given = isTooDeep(tool) ? { name: (tool as { readonly name?: unknown }).name } : tool;
  return { given, characters: JSON.stringify(given).length };
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
