import { domainOf, labelSetsOf, type Declaration, type Domain, type Labels } from './declaration.ts';

/** The labels of one series. */
export type Series = Record<string, string>;

/**
 * The most series that a metric can have. A histogram has, for each combination of its labels' values, one a bucket, that
 * without an upper bound, the sum and the count.
 * @param tools how many tools are registered
 */
export function seriesOf(declaration: Declaration, tools = 0): number {
  const { type, buckets = [] } = declaration;
  const combinations = labelSetsOf(declaration).reduce((sum, labels) => sum + numberOf(labels, tools), 0);
  return combinations * (type === 'histogram' ? buckets.length + 3 : 1);
}

/** How many combinations of their values labels can have. */
const numberOf = (labels: Labels, tools: number): number =>
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
export const startingLabels = (declaration: Declaration, tool?: string): Series[] =>
  labelSetsOf(declaration)
    .filter((labels) => (toolLabelIn(labels) === undefined) === (tool === undefined))
    .flatMap((labels) => combinationsOf(labels, tool));

const combinationsOf = (labels: Labels, tool: string | undefined): Series[] =>
  Object.entries(labels).reduce<Series[]>(
    (all, [name, values]) => {
      const { fromStart, tools } = domainOf(values);
      const known = tools && tool !== undefined ? [tool] : fromStart;
      return all.flatMap((rest) => known.map((value) => ({ ...rest, [name]: value })));
    },
    [{}],
  );
