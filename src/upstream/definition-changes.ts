import type { Definition } from './definitions.ts';
import { MAX_TOOLS } from './listing.ts';

/** What an upstream has said of its tools, to know when it says something else of one: clients may trust it for what it said. */
export class DefinitionChanges {
  /** What was last said of each, by its own name; the one listed last comes last. */
  readonly #meanings = new Map<string, string>();

  /** Takes what is listed now; returns the tools of which something else is said than when they were last listed. */
  take(definitions: readonly Definition[]): readonly Definition[] {
    // Of tools of one name the first is offered.
    const first = new Map(definitions.toReversed().map((definition) => [definition.ownName, definition]));
    const changed = [...first.values()].filter(({ ownName, meaning }) => {
      const before = this.#meanings.get(ownName);
      this.#meanings.delete(ownName);
      this.#meanings.set(ownName, meaning);
      return before !== undefined && before !== meaning;
    });
    // One that is gone may come back as another.
    for (const ownName of this.#meanings.keys()) {
      if (this.#meanings.size <= MAX_TOOLS) break;
      this.#meanings.delete(ownName);
    }
    return changed;
  }
}
