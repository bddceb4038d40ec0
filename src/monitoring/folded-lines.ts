import { AsyncResource } from 'node:async_hooks';

export type Level = 'debug' | 'info' | 'warn' | 'error';

export type Line = Record<string, unknown>;

/** What lines are written to: a pino logger, or anything like it. */
export interface LineLogger extends Record<Level, (line: Line, message: string) => void> {
  isLevelEnabled(level: Level): boolean;
}

/** Lines that are alike by `kind`. */
export interface Alike {
  readonly kind: string;
  readonly level: Level;
  readonly message: string;
  /** What the rest of them are called, such as `tool calls`. */
  readonly many: string;
}

/** Lines of a kind that are logged one by one before the rest of them is folded. */
const UNFOLDED = 5;

/** Kinds told apart at a time. */
const MAX_KINDS = 500;

interface Flood {
  count: number;
  /** The first that is folded: only its line is kept, since what it is made from may be large. */
  folded?: { readonly alike: Alike; readonly line: Line };
  readonly timer: NodeJS.Timeout;
}

/** Logs lines. Of those of a kind in quick succession the first few are logged, then how many more there were. */
export class FoldedLines {
  readonly #logger: LineLogger;
  readonly #seconds: number;
  readonly #floods = new Map<string, Flood>();
  /** Where timers are set: they hold what the async context they are set in does, and a call's holds the call. */
  readonly #outside = new AsyncResource('FoldedLines');

  /** @param seconds within which lines of a kind are folded; 0 for never */
  constructor(logger: LineLogger, seconds: number) {
    this.#logger = logger;
    this.#seconds = seconds;
  }

  /** @param describe makes the line, if it is not only counted */
  log(alike: Alike, describe: () => Line): void {
    const { level, message } = alike;
    if (!this.#logger.isLevelEnabled(level)) return;
    const flood = this.#count(alike.kind);
    if (!flood || flood.count <= UNFOLDED) this.#logger[level](describe(), message);
    else flood.folded ??= { alike, line: describe() };
  }

  #count(kind: string): Flood | undefined {
    const known = this.#floods.get(kind);
    if (known) {
      known.count += 1;
      return known;
    }
    if (this.#seconds === 0 || this.#floods.size >= MAX_KINDS) return undefined;
    const end = (): void => {
      this.#end(kind);
    };
    const timer = this.#outside.runInAsyncScope(() => setTimeout(end, this.#seconds * 1000).unref());
    const flood = { count: 1, timer };
    this.#floods.set(kind, flood);
    return flood;
  }

  #end(kind: string): void {
    const flood = this.#floods.get(kind);
    this.#floods.delete(kind);
    clearTimeout(flood?.timer);
    if (!flood?.folded) return;
    const { alike, line } = flood.folded;
    this.#logger[alike.level](
      { ...line, folded: flood.count - UNFOLDED },
      `more ${alike.many} like this, of which this is the first`,
    );
  }

  /** Logs those that are being folded now. */
  flush(): void {
    for (const kind of this.#floods.keys()) this.#end(kind);
  }
}
