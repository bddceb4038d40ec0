import type { OfferedTool } from './offered-tool.ts';

/** What a change of the catalogue did, in the order it was done: first the removals. */
export interface CatalogueChange {
  readonly removed: readonly OfferedTool[];
  readonly added: readonly OfferedTool[];
}

/**
 * The tools the server offers now. They may change at any time: whoever keeps something for each tool subscribes, and
 * a call keeps the tool that it found.
 */
export class Catalogue {
  #byName = new Map<string, OfferedTool>();
  #tools: readonly OfferedTool[] = [];
  readonly #listeners = new Set<(change: CatalogueChange) => void>();

  constructor(tools: readonly OfferedTool[] = []) {
    this.change({ add: tools });
  }

  /** A snapshot, in the order the tools were added: a change makes a new one. */
  get tools(): readonly OfferedTool[] {
    return this.#tools;
  }

  get(name: string): OfferedTool | undefined {
    return this.#byName.get(name);
  }

  /**
   * Removes tools by name, then adds others, and tells of both at once.
   * @throws Error when an added tool has the name of one that is offered, and then nothing is changed
   */
  change({
    remove = [],
    add = [],
  }: {
    readonly remove?: readonly string[];
    readonly add?: readonly OfferedTool[];
  }): void {
    const next = new Map(this.#byName);
    const removed = remove.flatMap((name) => {
      const tool = next.get(name);
      next.delete(name);
      return tool ? [tool] : [];
    });
    for (const tool of add) {
      if (next.has(tool.name)) throw new Error(`the tool ${tool.name} is offered already`);
      next.set(tool.name, tool);
    }
    this.#byName = next;
    this.#tools = [...next.values()];
    if (removed.length === 0 && add.length === 0) return;
    for (const listener of this.#listeners) listener({ removed, added: add });
  }

  /**
   * Tells `listener` of the tools there are, as added, and of each change after it.
   * @returns what ends that
   */
  subscribe(listener: (change: CatalogueChange) => void): () => void {
    listener({ removed: [], added: this.#tools });
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}
