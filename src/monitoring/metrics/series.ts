import { UNKNOWN_TOOL } from '../../tools/reasons.ts';
import { domainOf, type Declaration, type Domain } from './declaration.ts';
import type { Given } from './label-tree.ts';

/** The labels of one series. */
export type LabelSet = Record<string, string>;

/** Longer values are not admitted, unless they are listed. */
const MAX_VALUE_LENGTH = 128;

interface Label extends Domain {
  readonly name: string;
  readonly admits: (value: string | undefined) => boolean;
}

/** The series of a metric, as they follow from its declaration: how many, which from the start, with which label values. */
export class Series {
  /** The label that names tools, if there is one. */
  readonly toolLabel: string | undefined;
  readonly #declaration: Declaration;
  readonly #labels: readonly Label[];

  constructor(declaration: Declaration) {
    this.#declaration = declaration;
    this.#labels = Object.entries(declaration.labels).map(([name, values]) => {
      const domain = domainOf(values);
      return { ...domain, name, admits: admissionTo(domain) };
    });
    this.toolLabel = this.#labels.find(({ tools }) => tools)?.name;
  }

  /**
   * The most there can be: samples, which a histogram has many of for each combination of its labels' values.
   * @param tools how many tools are registered
   */
  most(tools = 0): number {
    const { unknownTool } = this.#declaration;
    const combinations = this.#labels
      .filter(({ follows }) => follows === undefined)
      .reduce((product, label) => product * this.#statesOf(label, tools), 1);
    const ofUnknown = unknownTool ? combinationsOf(unknownTool).length : 0;
    return (combinations + ofUnknown) * samplesEach(this.#declaration);
  }

  /** How many states a label and those that follow from it can be in together. */
  #statesOf({ name, values, more = 0, rest, follows, ...label }: Label, tools: number): number {
    const own = values.length + more + (rest === undefined ? 0 : 1) + (label.tools ? tools : 0);
    const leftOut = label.optional && follows === undefined ? 1 : 0;
    return this.#labels
      .filter((other) => other.follows === name)
      .reduce((sum, follower) => sum + this.#statesOf(follower, tools), own + leftOut);
  }

  /**
   * The label sets that are there from the start.
   * @param tool those of this tool alone; without it, those of no tool that is registered
   */
  atStart(tool?: string): LabelSet[] {
    const { onUse, unknownTool } = this.#declaration;
    if (onUse) return [];
    const values = Object.fromEntries(this.#labels.map((label) => [label.name, label.values]));
    if (this.toolLabel === undefined) return tool === undefined ? combinationsOf(values) : [];
    if (tool !== undefined) return combinationsOf({ ...values, [this.toolLabel]: [tool] });
    return unknownTool ? combinationsOf({ ...values, [this.toolLabel]: [UNKNOWN_TOOL], ...unknownTool }) : [];
  }

  /**
   * Holds label values to what was declared, so that no data can make more series than that.
   * @param folded told of each label whose value was not admitted
   */
  fold(given: Given, folded: (label: string) => void): LabelSet {
    const refused = this.#labels.filter(({ name, admits }) => !admits(given[name]));
    for (const { name } of refused) folded(name);
    const labels: LabelSet = {};
    for (const { name, optional, follows } of this.#labels) {
      const value = given[name];
      if (value === undefined && optional) continue;
      const instead = refused.find((label) => label.name === name || label.name === follows);
      labels[name] = instead?.rest ?? String(value);
    }
    return labels;
  }
}

/** The samples of one label set: of a histogram, one a bucket, that without an upper bound, the sum and the count. */
export const samplesEach = ({ type, buckets = [] }: Pick<Declaration, 'type' | 'buckets'>): number =>
  type === 'histogram' ? buckets.length + 3 : 1;

function admissionTo({ values, more = 0, rest, optional }: Domain): (value: string | undefined) => boolean {
  if (rest === undefined) return () => true;
  const admitted = new Set<string>([...values, rest]);
  const most = admitted.size + more;
  return (value) => {
    if (value === undefined && optional) return true;
    const text = String(value);
    if (admitted.has(text)) return true;
    if (admitted.size >= most || text.length > MAX_VALUE_LENGTH) return false;
    admitted.add(text);
    return true;
  };
}

const combinationsOf = (labels: Readonly<Record<string, readonly string[]>>): LabelSet[] =>
  Object.entries(labels).reduce<LabelSet[]>(
    (sets, [name, values]) => sets.flatMap((set) => values.map((value) => ({ ...set, [name]: value }))),
    [{}],
  );
