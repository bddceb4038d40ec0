import type { Recorder } from './recorder.ts';

/** The label of tools beyond the number that get series of their own. */
const OTHER = 'other';

/** The tools of servers that are not ours, as they become known; each gets its series then. */
export class KnownTools {
  readonly #recorder: Recorder;
  readonly #max: number;
  readonly #names = new Set<string>();

  /** @param max tools that get series of their own */
  constructor(recorder: Recorder, max: number) {
    this.#recorder = recorder;
    this.#max = max;
  }

  /** The label of a tool that there is: its name, and `other` for those beyond the bound. */
  label(name: string): string {
    if (this.#names.has(name)) return name;
    if (this.#names.size < this.#max) return this.#add(name);
    this.#recorder.labelFolded('mcp_tool_calls_total', 'tool_name');
    return this.#names.has(OTHER) ? OTHER : this.#add(OTHER);
  }

  #add(name: string): string {
    this.#names.add(name);
    this.#recorder.addTool({ name, toolset: 'library', source: 'library', isolation: 'none' });
    return name;
  }
}
