import { totalmem } from 'node:os';
import { constants, PerformanceObserver, type NodeGCPerformanceDetail } from 'node:perf_hooks';
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';

const MIB = 2 ** 20;

/** V8 leaves room for as many semi-spaces: the two halves of the space of young objects, and as much for young ones that are large. */
const SEMI_SPACES = 3;

const SEMI_SPACE_OPTION = /(?:^|\s)--max[-_]semi[-_]space[-_]size=(\d+)/g;

/**
 * How large the objects that live for long may be together, in bytes; then the process ends. V8's own limit has room for young ones
 * besides, 192 MiB on a large machine, so that nothing ever comes near it.
 * @param nodeOptions the variable `NODE_OPTIONS`, where it is known: `--max-semi-space-size` matters
 */
export function heapLimit(nodeOptions = ''): number {
  const options = [nodeOptions, ...process.execArgv].join(' ');
  const given = [...options.matchAll(SEMI_SPACE_OPTION)].at(-1)?.[1];
  const semiSpace = powerOfTwo(Number(given ?? 0) || usualSemiSpace());
  return getHeapStatistics().heap_size_limit - SEMI_SPACES * semiSpace * MIB;
}

/** As V8 chooses it by the memory of the machine, or of the container if that is less; in MiB. */
function usualSemiSpace(): number {
  const memory = Math.min(totalmem(), process.constrainedMemory() || Infinity) / MIB;
  return memory <= 512 ? 1 : Math.min(64, memory / 64);
}

const powerOfTwo = (least: number): number => 2 ** Math.ceil(Math.log2(least));

/** How full the heap is. */
export interface HeapReading {
  /** What the last full garbage collection left in use; 0 before there was one. */
  readonly kept_bytes: number;
  /** When it keeps so much, the process ends. */
  readonly limit_bytes: number;
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
        this.#kept = bytesOfOldObjects();
    }).observe({ entryTypes: ['gc'] });
  }

  read(): HeapReading {
    return { kept_bytes: this.#kept, limit_bytes: this.#limit };
  }
}

/** Young ones have been made since, and may be garbage. */
const bytesOfOldObjects = (): number =>
  getHeapSpaceStatistics()
    .filter(({ space_name: name }) => !name.startsWith('new_'))
    .reduce((sum, { space_used_size: bytes }) => sum + bytes, 0);
