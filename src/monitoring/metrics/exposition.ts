import type { MetricObject, MetricObjectWithValues, MetricValue, Registry } from 'prom-client';
import type { Exemplars } from './exemplars.ts';
import { fieldOf } from '../door/message.ts';
import type { MetricName } from './metrics.ts';

/** A text format that Prometheus scrapes. */
export type ExpositionFormat = 'prometheus' | 'openmetrics';

/** Sources: Prometheus text format 0.0.4; OpenMetrics 1.0.0. */
export const CONTENT_TYPES: Record<ExpositionFormat, string> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

type Sample = MetricValue<string> & { readonly metricName?: string };

/** What the registry holds; its typings leave `get` out. */
interface Readable {
  readonly name: string;
  get(): Promise<MetricObjectWithValues<Sample>>;
}

/** Samples written between two looks at the clock. */
const BATCH = 250;

/** How long to hold the event loop at a time, in seconds. */
const SLICE_SECONDS = 0.002;

/**
 * Writes a registry's metrics as text. It lets the event loop turn when it has held it for a moment, so that a
 * scrape of many tools does not hold up their calls; no more often, because a turn of a blocked loop is long.
 * @param now monotonic, in seconds
 * @param exemplars calls that samples point to, which only OpenMetrics can say
 */
export async function expose(
  registry: Registry,
  format: ExpositionFormat,
  now: () => number,
  exemplars?: Exemplars,
): Promise<string> {
  const parts: string[] = [];
  let sliceStart = now();
  const pause = async (): Promise<void> => {
    if (now() - sliceStart < SLICE_SECONDS) return;
    await nextTurn();
    sliceStart = now();
  };
  const metrics = registry.getMetricsAsArray() as (MetricObject & Readable)[];
  const defaults = defaultLabelsOf(registry);
  // Read in one turn, so that in every scrape the reasons add up to the errors.
  const together = await Promise.all(metrics.filter(({ name }) => TOGETHER.has(name)).map(copy));
  for (const metric of metrics) {
    const read = together.find(({ name }) => name === metric.name) ?? (await metric.get());
    const { help, type, values } = read;
    const { family, sample: defaultName } = namesOf(read, format);
    parts.push(`# HELP ${family} ${escapeHelp(help)}\n# TYPE ${family} ${String(type)}\n`);
    await pause();
    for (let start = 0; start < values.length; start += BATCH) {
      let batch = '';
      for (const sample of values.slice(start, start + BATCH)) {
        const sampleName = sample.metricName ?? defaultName;
        const exemplar = format === 'openmetrics' ? (exemplars?.of(sampleName, sample.labels) ?? '') : '';
        batch += `${sampleName}${labelsOf(sample.labels, defaults)} ${numberOf(sample.value)}${exemplar}\n`;
      }
      parts.push(batch);
      await pause();
    }
  }
  if (format === 'openmetrics') parts.push('# EOF\n');
  return parts.join('');
}

/**
 * The names of a family and of its samples. OpenMetrics 1.0.0, "Counter": the family is named without the suffix that
 * its samples must have.
 */
function namesOf(
  { name, type }: { readonly name: string; readonly type: unknown },
  format: ExpositionFormat,
): { readonly family: string; readonly sample: string } {
  if (String(type) !== 'counter' || format !== 'openmetrics') return { family: name, sample: name };
  const family = name.replace(/_total$/, '');
  return { family, sample: `${family}_total` };
}

/** What a registry adds to every sample (`setDefaultLabels`), which it says to nobody else. */
function defaultLabelsOf(registry: Registry): Readonly<Record<string, string>> | undefined {
  const labels = (fieldOf(registry, '_defaultLabels') ?? {}) as Record<string, string>;
  return Object.keys(labels).length > 0 ? labels : undefined;
}

const TOGETHER: ReadonlySet<string> = new Set<MetricName>(['mcp_tool_calls_total', 'mcp_tool_errors_total']);

async function copy(metric: Readable): Promise<MetricObjectWithValues<Sample>> {
  const read = await metric.get();
  return { ...read, values: read.values.map((sample) => ({ ...sample })) };
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function labelsOf(own: Sample['labels'], defaults: Readonly<Record<string, string>> | undefined): string {
  let text = '';
  const labels = defaults ? { ...defaults, ...own } : own;
  for (const name in labels) {
    const value = labels[name];
    if (value !== undefined) text += `${text === '' ? '{' : ','}${name}="${escapeLabel(String(value))}"`;
  }
  return text === '' ? '' : `${text}}`;
}

const NEEDS_ESCAPE = /["\\\n]/;
const escapeLabel = (value: string): string =>
  NEEDS_ESCAPE.test(value) ? escapeHelp(value).replaceAll('"', '\\"') : value;
const escapeHelp = (value: string): string => value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');

const numberOf = (value: number): string =>
  value === Infinity ? '+Inf' : value === -Infinity ? '-Inf' : String(value);

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
