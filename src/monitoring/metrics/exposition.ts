import type { MetricObjectWithValues, MetricValue, Registry } from 'prom-client';
import { fieldOf } from '../door/message.ts';
import { Family } from './family.ts';
import { measured, PacedText, type MeasuredText } from './paced-text.ts';
import {
  familyHead,
  familyNames,
  labelsText,
  numberText,
  sampleStart,
  type LabelValues,
} from './sample-text.ts';

/** A text format that Prometheus scrapes. */
export type ExpositionFormat = 'prometheus' | 'openmetrics';

/** Sources: Prometheus text format 0.0.4; OpenMetrics 1.0.0. */
export const CONTENT_TYPES: Record<ExpositionFormat, string> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** A metric that a registry holds: ours, or one of prom-client's, whose typings leave `get` out. */
type Registered = Family | { get(): Promise<Foreign> };

type Foreign = MetricObjectWithValues<MetricValue<string> & { readonly metricName?: string }>;

/**
 * Writes a registry's metrics as text, in UTF-8. Of ours, no more is written than what has moved since the last time. It takes many
 * turns of the event loop, so that a scrape of many tools does not hold up their calls.
 * @param now monotonic, in seconds
 */
export async function expose(
  registry: Registry,
  format: ExpositionFormat,
  now: () => number,
): Promise<Buffer> {
  const page = new PacedText(now);
  const isOpenMetrics = format === 'openmetrics';
  const defaults = defaultLabelsOf(registry);
  const metrics = registry.getMetricsAsArray() as unknown as readonly Registered[];
  const ours = metrics.filter((metric) => metric instanceof Family);
  const textsOf = (family: Family) => family.texts(isOpenMetrics, defaults);
  for (const family of ours) await page.prepare(textsOf(family));
  // Read in one turn, so that in every scrape the reasons add up to the errors.
  for (const { collect } of ours) collect?.();
  const read = new Map<Registered, readonly MeasuredText[]>(
    ours.map((family) => [family, [...textsOf(family)]]),
  );
  for (const metric of metrics)
    await page.add(
      metric instanceof Family
        ? (read.get(metric) ?? [])
        : foreignTexts(await metric.get(), isOpenMetrics, defaults),
    );
  if (isOpenMetrics) await page.add([measured('# EOF\n')]);
  return page.encoded();
}

/** The head of a family, then its lines one by one. */
function* foreignTexts(
  { name, help, type, values }: Foreign,
  isOpenMetrics: boolean,
  defaults: LabelValues,
): Generator<MeasuredText> {
  const names = familyNames(name, String(type), isOpenMetrics);
  yield measured(familyHead(names.family, help, String(type)));
  for (const { metricName = names.sample, labels, value } of values)
    yield measured(`${sampleStart(metricName, labelsText(labels, defaults))}${numberText(value)}\n`);
}

const known = new WeakMap<Registry, LabelValues>();

/**
 * The labels that a registry adds to every sample (`setDefaultLabels`); it has no public accessor for them. The same object while the
 * labels stay the same.
 */
function defaultLabelsOf(registry: Registry): LabelValues {
  const labels = (fieldOf(registry, '_defaultLabels') ?? NO_LABELS) as LabelValues;
  if (Object.keys(labels).length === 0) return NO_LABELS;
  const last = known.get(registry);
  if (JSON.stringify(last) === JSON.stringify(labels)) return last ?? NO_LABELS;
  const copy = { ...labels };
  known.set(registry, copy);
  return copy;
}

const NO_LABELS: LabelValues = {};

/**
 * The format a scraper prefers, by its Accept header (RFC 9110, section 12.5.1): the known type with the highest weight,
 * Prometheus text when both weigh the same. Parameters such as version and escaping do not matter here.
 */
export function preferredFormat(accept = ''): ExpositionFormat {
  const weight = (type: 'application' | 'text', subtype: string): number =>
    weightOf(`${type}/${subtype}`, accept) ?? weightOf(`${type}/*`, accept) ?? weightOf('*/*', accept) ?? 0;
  return weight('application', 'openmetrics-text') > weight('text', 'plain') ? 'openmetrics' : 'prometheus';
}

/** The weight of a value in a header of the Accept kind (RFC 9110, section 12.4.2), if it is named. */
export function weightOf(wanted: string, header: string): number | undefined {
  for (const range of header.split(',')) {
    const [name, ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    if (name !== wanted) continue;
    const q = parameters.find((parameter) => parameter.startsWith('q='));
    return Number(q?.slice(2) ?? 1) || 0;
  }
  return undefined;
}
