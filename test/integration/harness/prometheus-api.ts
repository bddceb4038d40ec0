import { z } from 'zod';

const labels = z.record(z.string(), z.string());
const NO_LABELS: z.infer<typeof labels> = {};
const number = z.string().transform((text) => Number(text.replace('Inf', 'Infinity')));
const point = z.tuple([z.number(), number]).transform(([time, value]) => ({ time, value }));

const answer = z.object({
  status: z.literal('success'),
  data: z.unknown(),
  warnings: z.array(z.string()).default([]),
  infos: z.array(z.string()).default([]),
});

const vector = z
  .object({ resultType: z.literal('vector'), result: z.array(z.object({ metric: labels, value: point })) })
  .transform(({ result }) => result.map(({ metric, value }) => ({ labels: metric, ...value })));

const scalar = z
  .object({ resultType: z.literal('scalar'), result: point })
  .transform(({ result }) => [{ labels: NO_LABELS, ...result }]);

const matrix = z
  .object({
    resultType: z.literal('matrix'),
    result: z.array(z.object({ metric: labels, values: z.array(point) })),
  })
  .transform(({ result }) => result.map(({ metric, values }) => ({ labels: metric, points: values })));

const target = z.object({
  labels,
  scrapeUrl: z.string(),
  health: z.enum(['up', 'down', 'unknown']),
  lastError: z.string(),
});

const alert = z.object({
  labels,
  annotations: labels,
  state: z.enum(['inactive', 'pending', 'firing']),
  value: number,
});

const rule = z.object({
  name: z.string(),
  type: z.enum(['alerting', 'recording']),
  query: z.string(),
  labels: labels.default({}),
  health: z.enum(['ok', 'err', 'unknown']),
  lastError: z.string().default(''),
  state: z.enum(['inactive', 'pending', 'firing']).optional(),
});
const groups = z.object({ groups: z.array(z.object({ name: z.string(), rules: z.array(rule) })) });

const metadata = z.object({ target: labels, metric: z.string(), type: z.string(), help: z.string() });

const exemplars = z
  .array(
    z.object({
      seriesLabels: labels,
      exemplars: z.array(z.object({ labels, value: number, timestamp: z.number() })),
    }),
  )
  .transform((all) =>
    all.flatMap(({ seriesLabels, exemplars: found }) =>
      found.map((each) => ({ ...each, series: seriesLabels })),
    ),
  );

/** A sample: the value of one series at one time, in seconds since the epoch. */
export type Sample = z.infer<typeof vector>[number];
export type Series = z.infer<typeof matrix>[number];
export type Target = z.infer<typeof target>;
export type Alert = z.infer<typeof alert>;
export type Rule = z.infer<typeof rule> & { readonly group: string };
export type Metadata = z.infer<typeof metadata>;
/** A call that a sample of a series points to. */
export type Exemplar = z.infer<typeof exemplars>[number];

/** The HTTP API of a Prometheus. Times are seconds since the epoch. */
export class PrometheusApi {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  /** The samples of an instant query, at `time` if given. */
  async query(promql: string, time?: number): Promise<Sample[]> {
    const { data } = await this.#ask('query', { query: promql, ...timeAt(time) });
    return z.union([vector, scalar]).parse(data);
  }

  /** The value of an instant query that gives one sample, or none. */
  async value(promql: string, time?: number): Promise<number | undefined> {
    const samples = await this.query(promql, time);
    if (samples.length > 1) throw new Error(`${promql} gives ${samples.length} samples, not one`);
    return samples[0]?.value;
  }

  /** What Prometheus finds questionable in a query. */
  async annotations(promql: string, time?: number): Promise<readonly string[]> {
    const { warnings, infos } = await this.#ask('query', { query: promql, ...timeAt(time) });
    return [...warnings, ...infos];
  }

  /** The samples as they were scraped: `selector` ends in a range, such as `up[1m]`. */
  async raw(selector: string, time?: number): Promise<Series[]> {
    return matrix.parse((await this.#ask('query', { query: selector, ...timeAt(time) })).data);
  }

  async queryRange(promql: string, start: number, end: number, step: number): Promise<Series[]> {
    const times = { start: String(start), end: String(end), step: String(step) };
    return matrix.parse((await this.#ask('query_range', { query: promql, ...times })).data);
  }

  /** The label sets of the series that match. */
  async series(selector: string): Promise<Record<string, string>[]> {
    return z.array(labels).parse((await this.#ask('series', { 'match[]': selector })).data);
  }

  /** The exemplars of the last minutes; kept only with the feature exemplar-storage. */
  async exemplars(promql: string): Promise<Exemplar[]> {
    const now = Date.now() / 1000;
    const times = { start: String(now - 600), end: String(now + 10) };
    return exemplars.parse((await this.#ask('query_exemplars', { query: promql, ...times })).data);
  }

  async targets(): Promise<Target[]> {
    const { data } = await this.#ask('targets', { state: 'active' }, 'GET');
    return z.object({ activeTargets: z.array(target) }).parse(data).activeTargets;
  }

  async rules(): Promise<Rule[]> {
    const { data } = await this.#ask('rules', {}, 'GET');
    return groups.parse(data).groups.flatMap(({ name, rules }) => rules.map((r) => ({ ...r, group: name })));
  }

  async alerts(): Promise<Alert[]> {
    const { data } = await this.#ask('alerts', {}, 'GET');
    return z.object({ alerts: z.array(alert) }).parse(data).alerts;
  }

  /** What the targets that match say of their metrics, by the names that the scraped format gives them. */
  async metadata(matchTarget: string): Promise<Metadata[]> {
    const { data } = await this.#ask('targets/metadata', { match_target: matchTarget }, 'GET');
    return z.array(metadata).parse(data);
  }

  async #ask(path: string, parameters: Record<string, string>, method: 'GET' | 'POST' = 'POST') {
    const form = new URLSearchParams(parameters);
    const url = `${this.url}/api/v1/${path}`;
    const response = await (method === 'GET'
      ? fetch(`${url}?${form.toString()}`)
      : fetch(url, { method: 'POST', body: form }));
    const body: unknown = await response.json();
    if (!response.ok) throw new Error(`Prometheus refused ${form.toString()}: ${JSON.stringify(body)}`);
    return answer.parse(body);
  }
}

const timeAt = (time: number | undefined): Record<string, string> =>
  time === undefined ? {} : { time: String(time) };
