import { Block } from './block.ts';
import type { Declaration, MetricType } from './declaration.ts';
import { LabelTree, type Given } from './label-tree.ts';
import { measured, type MeasuredText } from './paced-text.ts';
import { familyHead, familyNames, type LabelValues } from './sample-text.ts';
import { samplesEach, type LabelSet } from './series.ts';
import type { RegistrySample, TextKeeper, TimeSeries } from './time-series.ts';

/** What is said of a metric. */
interface Description {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
}

/** What prom-client reads of a metric. */
interface RegistryMetric extends Description {
  readonly values: readonly RegistrySample[];
  readonly aggregator: string;
}

/**
 * A metric with all its series. A registry of prom-client takes it as one of its own: it can be read, reset and removed there, and
 * its series removed; only whoever created it can move them.
 */
export class Family<Member extends TimeSeries = TimeSeries> implements Description {
  /** Not read-only: a registry that writes OpenMetrics changes it. */
  name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly labelNames: readonly string[];
  /** How prom-client adds up what the workers of a cluster have. */
  readonly aggregator = 'sum';
  /** Runs before it is read. */
  collect: (() => void) | undefined;
  readonly #publishedName: string;
  readonly #tree: LabelTree<Member>;
  /** Its series, in the order in which they were created. */
  readonly #blocks = new Set<Block<Member>>();
  #lastBlock: Block<Member> | undefined;
  readonly #samplesOfEach: number;
  readonly #create: (labels: LabelSet, keeper: TextKeeper) => Member;

  constructor(
    name: string,
    { help, type, labels, buckets = [] }: Declaration,
    create: (labels: LabelSet, keeper: TextKeeper) => Member,
  ) {
    this.name = name;
    this.#publishedName = name;
    this.help = help;
    this.type = type;
    this.labelNames = Object.keys(labels);
    this.#tree = new LabelTree(this.labelNames);
    this.#samplesOfEach = samplesEach({ type, buckets });
    this.#create = create;
  }

  /** The series with exactly these labels, if it is there. */
  find(labels: Given): Member | undefined {
    return this.#tree.get(labels);
  }

  /** The series with exactly these labels, created if need be. */
  of(labels: LabelSet): Member {
    const found = this.#tree.get(labels);
    if (found) return found;
    const block = this.#blockWithRoom();
    const created = this.#create(labels, block);
    block.add(created);
    this.#tree.set(labels, created);
    return created;
  }

  #blockWithRoom(): Block<Member> {
    if (this.#lastBlock?.isFull === false) return this.#lastBlock;
    this.#lastBlock = new Block(this.#samplesOfEach);
    this.#blocks.add(this.#lastBlock);
    return this.#lastBlock;
  }

  /**
   * Its text in parts. All of them are to be taken in one turn of the event loop, lest a series that goes and comes back is among
   * them twice; who takes them before, paced, has little left to write then.
   * @param defaults see `Block.text`
   */
  *texts(isOpenMetrics: boolean, defaults: LabelValues): Generator<MeasuredText> {
    const { help, type } = this;
    const { family } = familyNames(this.#publishedName, type, isOpenMetrics);
    yield measured(familyHead(family, help, type));
    // A copy, because blocks that come while one is paced would have no end.
    for (const block of [...this.#blocks]) yield block.text(isOpenMetrics, defaults);
  }

  /** How many samples a scrape of it has. */
  get samples(): number {
    let members = 0;
    for (const block of this.#blocks) members += block.members.size;
    return members * this.#samplesOfEach;
  }

  *#members(): Generator<Member> {
    for (const block of this.#blocks) yield* block.members;
  }

  /** Removes the series that have a value of a label. */
  removeAll(label: string, value: string): void {
    this.#remove(({ labels }) => labels[label] === value);
  }

  #remove(isMeant: (member: Member) => boolean): void {
    for (const block of this.#blocks) {
      for (const member of block.members) {
        if (!isMeant(member)) continue;
        this.#tree.delete(member.labels);
        member.isRemoved = true;
        block.remove(member);
      }
      if (block.members.size > 0) continue;
      this.#blocks.delete(block);
      if (this.#lastBlock === block) this.#lastBlock = undefined;
    }
  }

  /** As prom-client's: removes the series with these labels, or with these values of all its labels in their order. */
  remove(...given: readonly [Given] | readonly string[]): void {
    const [labels] = given;
    const values = given as readonly string[];
    const meant = this.find(
      typeof labels === 'object'
        ? labels
        : Object.fromEntries(this.labelNames.map((name, index) => [name, values[index]])),
    );
    if (meant) this.#remove((member) => member === meant);
  }

  /** As prom-client's, but that all series stay: what has been counted begins anew. */
  reset(): void {
    for (const member of this.#members()) member.reset();
  }

  /** As prom-client's: what the registry writes. */
  getForPromString(): Promise<RegistryMetric> {
    return Promise.resolve(this.#metric());
  }

  /** As prom-client's: what the registry gives to others. */
  get(): Promise<RegistryMetric> {
    const metric = this.#metric();
    const values = metric.values.map(({ sharedLabels, labels, ...sample }) => ({
      ...sample,
      labels: { ...labels, ...sharedLabels },
    }));
    return Promise.resolve({ ...metric, values });
  }

  #metric(): RegistryMetric {
    const { name, help, type, aggregator } = this;
    this.collect?.();
    const values = [...this.#members()].flatMap((member) => member.samples());
    return { name, help, type, aggregator, values };
  }
}
