import type { BurnWindow } from '../../alerts/source/parameters.ts';
import {
  formatDuration,
  INSTANCE,
  matchers,
  maxBy,
  oneOf,
  PromQL,
  SERVICE,
  sumBy,
  type SeriesName,
} from '../../alerts/source/promql.ts';
import { PARAMETERS } from './limits.ts';

const CHOSEN_TARGETS = 'cluster=~"$cluster", namespace=~"$namespace", job=~"$job"';

const promql = new PromQL({ selector: `${CHOSEN_TARGETS}, instance=~"$instance"`, timeScale: 1 });

/** The tools chosen. */
export const TOOL_CHOSEN = 'tool_name=~"$tool_name"';

/** Failures that count against the objective. */
export const BAD = oneOf('reason', PARAMETERS.badReasons);

/** The series of the instances chosen. */
export const series = (name: SeriesName, matching = ''): string => promql.series(name, matching);

/** The rate over what Grafana finds right for the resolution. */
export const rate = (name: SeriesName, matching = ''): string =>
  `rate(${series(name, matching)}[$__rate_interval])`;

/** The increase over a window that an alert looks at, in seconds. */
export const increase = (name: SeriesName, seconds: number, matching = '', offsetSeconds = 0): string =>
  promql.increase(name, seconds, matching, offsetSeconds);

/** Calls that the server took on within a window in seconds, by labels, as the alerts count them. */
export const accepted = (seconds: number, labels: string, matching = ''): string =>
  promql.accepted('increase', labels, seconds, matching);

/** The share of the calls taken on within a window that failed through the server's fault, as the alerts see it. */
export const badShare = (seconds: number, labels: string, matching = ''): string =>
  share(
    sum(increase('mcp_tool_errors_total', seconds, matchers(BAD, matching)), labels),
    accepted(seconds, labels, matching),
  );

/** Aggregates of a gauge over a window, in seconds. */
export const over = promql.over.bind(promql);
export const median = promql.median.bind(promql);

/** Of a service, the series that have no instance: ratios recorded by the rules, and alerts. */
export const ofService = (name: string, matching = ''): string =>
  `${name}{${matchers(`${CHOSEN_TARGETS}, instance=~"$instance|"`, matching)}}`;

/** Our alerts in a state. */
export const alertsThat = (state: 'firing' | 'pending', matching = ''): string =>
  ofService('ALERTS', matchers(`alertname=~"NexusMCP.+", alertstate="${state}"`, matching));

/** Keeps what comes from instances of this server: other programs have metrics of the same names. */
export const ours = (expression: string): string =>
  `(${expression} and on (${INSTANCE}) ${series('mcp_build_info')})`;

/** Keeps what belongs to services that were this server within a day: targets that are down say nothing. */
export const ofOurServices = (expression: string): string =>
  `(${expression} and on (${SERVICE}) ${maxBy(SERVICE, over('max', 'mcp_build_info', 86_400))})`;

/** Without aggregation labels, of everything chosen. */
export const sum = (expression: string, ...labels: readonly string[]): string =>
  labels.length === 0 ? `sum(${expression})` : sumBy(labels.join(', '), expression);

export const count = (expression: string, ...labels: readonly string[]): string =>
  labels.length === 0 ? `count(${expression})` : `count by (${labels.join(', ')}) (${expression})`;

/** A share of what there is; nothing where there is nothing. */
export const share = (part: string, whole: string): string => `${part} / (${whole} > 0)`;

/** A quantile of a histogram, from the rates or increases of its buckets; nothing where nothing was observed. */
export const quantileOf = (q: number, buckets: string): string => `histogram_quantile(${q}, ${buckets}) >= 0`;

/** A quantile of a histogram, by labels. */
export const quantile = (
  q: number,
  name: `${string}_bucket` & SeriesName,
  {
    by = [],
    matching = '',
    of = (expression: string) => expression,
  }: {
    readonly by?: readonly string[];
    readonly matching?: string;
    readonly of?: (expression: string) => string;
  } = {},
): string => quantileOf(q, sum(of(rate(name, matching)), ...by, 'le'));

/** How many times as fast as allowed a budget burns, as the alert sees it: in both windows of a pair. */
export function burn(
  { long, short }: BurnWindow,
  ratio: (window: string) => string,
  allowed: string,
): string {
  const [slow = '', fast = ''] = [long, short].map((window) => ofService(ratio(formatDuration(window))));
  return share(`((${slow} <= ${fast}) or ${fast})`, ofService(allowed));
}
