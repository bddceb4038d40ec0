/** Label values as they are given: by programs, or out of requests. */
export type Given = Readonly<Record<string, string | undefined>>;

type Branch = Map<string | undefined, unknown>;

/**
 * Finds things by the values of their labels, one label after the other: nothing is made for a search, and no two sets of values
 * can be taken for each other, whatever is in them.
 */
export class LabelTree<Leaf extends object> {
  readonly #labels: readonly string[];
  /** A branch for the first label's values; what is found, if there are no labels. */
  #root: unknown;

  constructor(labels: readonly string[]) {
    this.#labels = labels;
  }

  get(values: Given): Leaf | undefined {
    let found = this.#root;
    for (const label of this.#labels) {
      if (found === undefined) return undefined;
      found = (found as Branch).get(values[label]);
    }
    return found as Leaf | undefined;
  }

  set(values: Given, leaf: Leaf): void {
    const grown = (node: unknown, [label, ...labels]: readonly string[]): unknown => {
      if (label === undefined) return leaf;
      const branch = (node ?? new Map()) as Branch;
      return branch.set(values[label], grown(branch.get(values[label]), labels));
    };
    this.#root = grown(this.#root, this.#labels);
  }

  /** Takes out what has exactly these values, and the branches that lead to nothing else. */
  delete(values: Given): void {
    const pruned = (node: unknown, [label, ...labels]: readonly string[]): unknown => {
      if (node === undefined || label === undefined) return undefined;
      const branch = node as Branch;
      if (pruned(branch.get(values[label]), labels) === undefined) branch.delete(values[label]);
      return branch.size > 0 ? branch : undefined;
    };
    this.#root = pruned(this.#root, this.#labels);
  }
}
