import { OTHER } from '../metrics/labels.ts';
import type { Recorder } from '../metrics/recorder.ts';

/** Names kept beyond those that get series. */
const MAX_REMEMBERED = 10_000;

/** MCP 2025-11-25, "Tool Names": no more characters than that. */
const MAX_NAME_LENGTH = 128;

/** A tool that was not seen for so long makes room for a new one. */
const FORGOTTEN_AFTER_SECONDS = 3600;

/** The tools of servers that are not ours, as they become known; each gets its series then. */
export class KnownTools {
  readonly #recorder: Recorder;
  readonly #max: number;
  readonly #now: () => number;
  /** Those with series, and when they were last registered, listed or called. */
  readonly #seenAt = new Map<string, number>();
  /** When the tool that was not seen for longest may be given up, so that it is not looked for before. */
  #fullUntil = 0;
  /** Names that became `other`. */
  readonly #folded = new RecentNames(MAX_REMEMBERED);
  /** Names that servers showed to have without registering them. */
  readonly #learned = new RecentNames(MAX_REMEMBERED);

  /**
   * @param max tools that get series of their own
   * @param now monotonic, in seconds
   */
  constructor(recorder: Recorder, max: number, now: () => number) {
    this.#recorder = recorder;
    this.#max = max;
    this.#now = now;
  }

  /** The label of a tool that there is: its name, and `other` for those beyond the bound. */
  label(name: string): string {
    if (this.#seenAt.has(name)) return this.#see(name);
    if (name.length <= MAX_NAME_LENGTH && this.#hasRoom()) return this.#add(name);
    if (!this.#folded.has(name)) {
      this.#recorder.labelFolded('mcp_tool_calls_total', 'tool_name');
      this.#folded.add(name);
    }
    return this.#seenAt.has(OTHER) ? this.#see(OTHER) : this.#add(OTHER);
  }

  /**
   * The label of a tool that a server has without having registered it: it was stated, listed, measured as a function, or
   * called with success. Every server of the same kind knows it from then on, as one may be made for each request.
   */
  learn(name: string): string {
    this.#learned.add(name);
    return this.label(name);
  }

  hasLearned(name: string): boolean {
    return this.#learned.has(name);
  }

  #see(name: string): string {
    this.#seenAt.set(name, this.#now());
    return name;
  }

  #add(name: string): string {
    this.#recorder.addTool({ name, toolset: 'library', source: 'library', isolation: 'none' });
    return this.#see(name);
  }

  /** Whether a further tool can get series, those of one that was not seen for long being given up if need be. */
  #hasRoom(): boolean {
    if (this.#seenAt.size < this.#max) return true;
    const now = this.#now();
    if (now < this.#fullUntil) return false;
    const tools = [...this.#seenAt].filter(([name]) => name !== OTHER);
    const [oldest, seenAt] = tools.reduce((one, another) => (another[1] < one[1] ? another : one), ['', now]);
    this.#fullUntil = seenAt + FORGOTTEN_AFTER_SECONDS;
    if (now < this.#fullUntil) return false;
    this.#seenAt.delete(oldest);
    this.#recorder.removeTool(oldest);
    return true;
  }
}

/** The names that came last, up to a number of them. */
class RecentNames {
  readonly #names = new Set<string>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  add(name: string): void {
    if (name.length > MAX_NAME_LENGTH) return;
    this.#names.delete(name);
    this.#names.add(name);
    const [oldest] = this.#names;
    if (this.#names.size > this.#max && oldest !== undefined) this.#names.delete(oldest);
  }
}
