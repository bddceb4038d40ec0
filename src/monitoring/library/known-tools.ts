import { OTHER } from '../metrics/labels.ts';
import type { Recorder } from '../metrics/recorder.ts';

/** Names kept beyond those that get series. */
const MAX_REMEMBERED = 10_000;

/** MCP 2025-11-25, "Tool Names": no more characters than that. */
const MAX_NAME_LENGTH = 128;

/** The tools of servers that are not ours, as they become known; each gets its series then. */
export class KnownTools {
  readonly #recorder: Recorder;
  readonly #max: number;
  readonly #names = new Set<string>();
  /** Names that became `other`. */
  readonly #folded = new Set<string>();
  /** Names that servers showed to have without registering them. */
  readonly #learned = new Set<string>();

  /** @param max tools that get series of their own */
  constructor(recorder: Recorder, max: number) {
    this.#recorder = recorder;
    this.#max = max;
  }

  /** The label of a tool that there is: its name, and `other` for those beyond the bound. */
  label(name: string): string {
    if (this.#names.has(name)) return name;
    if (this.#names.size < this.#max && name.length <= MAX_NAME_LENGTH) return this.#add(name);
    if (!this.#folded.has(name)) {
      this.#recorder.labelFolded('mcp_tool_calls_total', 'tool_name');
      remember(name, this.#folded);
    }
    return this.#names.has(OTHER) ? OTHER : this.#add(OTHER);
  }

  /**
   * The label of a tool that a server has without having registered it: it was stated, listed, or called with success.
   * Every server of the same kind knows it from then on, as one may be made for each request.
   */
  learn(name: string): string {
    remember(name, this.#learned);
    return this.label(name);
  }

  hasLearned(name: string): boolean {
    return this.#learned.has(name);
  }

  #add(name: string): string {
    this.#names.add(name);
    this.#recorder.addTool({ name, toolset: 'library', source: 'library', isolation: 'none' });
    return name;
  }
}

function remember(name: string, names: Set<string>): void {
  if (names.size < MAX_REMEMBERED && name.length <= MAX_NAME_LENGTH) names.add(name);
}
