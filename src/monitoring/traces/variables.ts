/** Environment variables, of which those of OpenTelemetry are read. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** Values of OTEL_TRACES_SAMPLER (OpenTelemetry, "SDK environment variables"). */
export const SAMPLER_NAMES = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;
export type SamplerName = (typeof SAMPLER_NAMES)[number];

/** What the variables say of how spans are kept and sent. */
export interface SamplingAndBatches {
  readonly sampler: SamplerName;
  readonly ratio: number;
  readonly batch: Readonly<Partial<Record<(typeof BATCH_VARIABLES)[number][1], number>>>;
}

const TRACES_ENDPOINT = 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT';

const BATCH_VARIABLES = [
  ['OTEL_BSP_SCHEDULE_DELAY', 'scheduledDelayMillis'],
  ['OTEL_BSP_EXPORT_TIMEOUT', 'exportTimeoutMillis'],
  ['OTEL_BSP_MAX_QUEUE_SIZE', 'maxQueueSize'],
  ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 'maxExportBatchSize'],
] as const;

/** Where traces go; the variable for traces alone holds the whole URL (OpenTelemetry, "OTLP exporter"). */
export function urlOf(endpoint: string | undefined, env: Variables): string | undefined {
  const disabled =
    env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true' || env['OTEL_TRACES_EXPORTER'] === 'none';
  if (disabled) return undefined;
  if (env[TRACES_ENDPOINT]) return env[TRACES_ENDPOINT];
  return endpoint === undefined ? undefined : `${endpoint.replace(/\/$/, '')}/v1/traces`;
}

/** Reads how spans are sampled and sent. @param url where spans go */
export function readVariables(
  env: Variables,
  url: string,
):
  | { readonly ok: true; readonly options: SamplingAndBatches }
  | { readonly ok: false; readonly problems: readonly string[] } {
  const problems: string[] = [];
  const oneOfThese = (name: string, values: readonly string[]): string | undefined => {
    const value = env[name];
    if (value === undefined || value === '' || values.includes(value))
      return value === '' ? undefined : value;
    problems.push(`${name}: must be ${values.join(' or ')}, not ${value}`);
    return undefined;
  };
  const number = (name: string, fits: (value: number) => boolean, wanted: string): number | undefined => {
    const text = env[name];
    if (text === undefined || text === '') return undefined;
    if (fits(Number(text))) return Number(text);
    problems.push(`${name}: must be ${wanted}`);
    return undefined;
  };
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
    problems.push(`${TRACES_ENDPOINT}: must be a URL that begins with http:// or https://`);
  oneOfThese('OTEL_TRACES_EXPORTER', ['otlp', 'none']);
  for (const name of ['OTEL_EXPORTER_OTLP_PROTOCOL', 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'])
    oneOfThese(name, ['http/protobuf']);
  const sampler = (oneOfThese('OTEL_TRACES_SAMPLER', SAMPLER_NAMES) ??
    'parentbased_always_on') as SamplerName;
  const ratio =
    number('OTEL_TRACES_SAMPLER_ARG', (value) => value >= 0 && value <= 1, 'a number from 0 to 1') ?? 1;
  const isPositive = (value: number): boolean => Number.isInteger(value) && value > 0;
  const batch = Object.fromEntries(
    BATCH_VARIABLES.map(
      ([name, key]) => [key, number(name, isPositive, 'a positive whole number')] as const,
    ).filter(([, value]) => value !== undefined),
  );
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, options: { sampler, ratio, batch } };
}
