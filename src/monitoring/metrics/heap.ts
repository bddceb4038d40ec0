import { constants, PerformanceObserver, type NodeGCPerformanceDetail } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';

const MIB = 2 ** 20;

/** V8 leaves room for as many semi-spaces: the two halves of the space of young objects, and as much for young ones that are large. */
const SEMI_SPACES = 3;

/** Where no option says otherwise, V8 makes a semi-space of this share of what it allows for old objects. */
const SEMI_SPACE_SHARE = 1 / 64;

/**
 * How large the objects that live for long may be together, in bytes; then the process ends. V8's own limit has room for young ones
 * besides, 192 MiB on a large machine, so that nothing ever comes near it.
 * @param nodeOptions the variable `NODE_OPTIONS`; where it is not known and sets a size, the limit is that of V8's defaults
 */
export function heapLimit(nodeOptions = ''): number {
  const options = [nodeOptions, ...process.execArgv].join(' ');
  const old = megabytesOf('old-space', options);
  if (old !== undefined) return old * MIB;
  const { heap_size_limit: limit } = getHeapStatistics();
  const semi = megabytesOf('semi-space', options);
  return semi === undefined ? limit / (1 + SEMI_SPACES * SEMI_SPACE_SHARE) : limit - SEMI_SPACES * semi * MIB;
}

/** What an option of V8 sets the most of a space to; the last one counts, and 0 is none. */
function megabytesOf(space: string, options: string): number | undefined {
  const option = new RegExp(`--max-${space}-size[= ](\\d+)`, 'g');
  const given = [...options.replaceAll('_', '-').matchAll(option)].at(-1)?.[1];
  return Number(given ?? 0) || undefined;
}

/** What lives for long in the heap of this thread. */
export class HeapMonitor {
  readonly #limit: number;
  #kept = 0;

  /** @param nodeOptions the variable `NODE_OPTIONS` */
  constructor(nodeOptions?: string) {
    this.#limit = heapLimit(nodeOptions);
    new PerformanceObserver((list) => {
      const collections = list.getEntries() as { readonly detail?: NodeGCPerformanceDetail }[];
      if (collections.some(({ detail }) => detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR))
        this.#kept = getHeapStatistics().used_heap_size;
    }).observe({ entryTypes: ['gc'] });
  }

  /** What the last full garbage collection left, in bytes, which is 0 before there was one; and how much that may be. */
  read(): { readonly kept_bytes: number; readonly limit_bytes: number } {
    return { kept_bytes: this.#kept, limit_bytes: this.#limit };
  }
}
