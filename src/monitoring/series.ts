import { domainOf, type Declaration, type Domain, type Labels } from './declaration.ts';

/**
 * The most series that a metric can have. A histogram has, for each combination of its labels' values, one a bucket, that
 * without an upper bound, the sum and the count.
 * @param tools how many tools are registered
 */
export function seriesOf({ type, labels, also, buckets = [] }: Declaration, tools = 0): number {
  const combinations = [labels, ...(also ? [also] : [])].reduce(
    (sum, set) => sum + combinationsOf(set, tools),
    0,
  );
  return combinations * (type === 'histogram' ? buckets.length + 3 : 1);
}

const combinationsOf = (labels: Labels, tools: number): number =>
  Object.values(labels).reduce((product, values) => product * sizeOf(domainOf(values), tools), 1);

function sizeOf({ values, more = 0, rest, follows, optional, ...domain }: Domain, tools: number): number {
  const given = values.length + more + (rest === undefined ? 0 : 1) + (domain.tools ? tools : 0);
  return (follows ? 1 : given) + (optional ? 1 : 0);
}

/** The label that names tools, if there is one. */
export const toolLabelOf = ({ labels }: Declaration): string | undefined => toolLabelIn(labels);

const toolLabelIn = (labels: Labels): string | undefined =>
  Object.entries(labels).find(([, values]) => domainOf(values).tools)?.[0];

/**
 * The labels of the series that are there from the start.
 * @param tool those of this tool alone; without it, those of no tool
 */
export const startingLabels = ({ labels, also }: Declaration, tool?: string): Record<string, string>[] =>
  [labels, ...(also ? [also] : [])]
    .filter((set) => (toolLabelIn(set) === undefined) === (tool === undefined))
    .flatMap((set) => combinations(set, tool));

const combinations = (labels: Labels, tool: string | undefined): Record<string, string>[] =>
  Object.entries(labels).reduce<Record<string, string>[]>(
    (all, [name, values]) => {
      const { fromStart, tools } = domainOf(values);
      const known = tools && tool !== undefined ? [tool] : fromStart;
      return all.flatMap((rest) => known.map((value) => ({ ...rest, [name]: value })));
    },
    [{}],
  );
