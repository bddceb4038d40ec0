type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

/** The samples of a scrape. */
export class Samples {
  readonly all: readonly Sample[];

  constructor(all: readonly Sample[]) {
    this.all = all;
  }

  /** The sum of the samples with the name and at least the labels given; `undefined` when there is none. */
  value(name: string, labels: Labels = {}): number | undefined {
    const found = this.select(name, labels);
    return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
  }

  select(name: string, labels: Labels = {}): readonly Sample[] {
    return this.all.filter(
      (sample) =>
        sample.name === name &&
        Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
    );
  }
}

const HEAD = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g;

/** What stands before the values, parsed. Most of it is the same in every scrape, and tests scrape until something is so. */
const heads = new Map<string, Pick<Sample, 'name' | 'labels'>>();

function parseHead(head: string): Pick<Sample, 'name' | 'labels'> {
  const known = heads.get(head);
  if (known) return known;
  const [, name, labels = ''] = HEAD.exec(head) ?? [];
  if (name === undefined) throw new Error(`not a name with labels: ${head}`);
  const pairs = [...labels.matchAll(LABEL)].map(([, label = '', text = '']) => [label, text]);
  const parsed = { name, labels: Object.fromEntries(pairs) as Labels };
  heads.set(head, parsed);
  return parsed;
}

/** Parses the Prometheus text format; throws on a line that is not in it. */
export function parseMetrics(text: string): Samples {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Samples(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      const value = Number(line.slice(space + 1).replace('Inf', 'Infinity'));
      return { ...parseHead(line.slice(0, Math.max(space, 0))), value };
    }),
  );
}

/** Scrapes a server. */
export async function scrape(url: string): Promise<Samples> {
  // Compressing and expanding would cost more than sending.
  const response = await fetch(`${url}/metrics`, { headers: { 'accept-encoding': 'identity' } });
  return parseMetrics(await response.text());
}
