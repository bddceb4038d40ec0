import type { ThreadFollower } from '../tools/worker-pool.ts';
import type { SpanOutcome } from './labels.ts';
import { Tracing } from './tracing.ts';

/** Environment variables, of which those of OpenTelemetry are read. */
type Variables = Readonly<Record<string, string | undefined>>;

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

export interface TracingOptions {
  readonly version: string;
  readonly sampler: SamplerName;
  readonly ratio: number;
  readonly batch: Readonly<Partial<Record<(typeof BATCH_VARIABLES)[number][1], number>>>;
  /** Told what became of spans. */
  readonly counted: (outcome: SpanOutcome, spans: number) => void;
  /** Told why spans cannot be exported, once until some are again. */
  readonly onError: (error: Error) => void;
}

export type StartedTracing =
  | {
      readonly ok: true;
      /** `undefined` when nothing is traced. */
      readonly tracing: Tracing | undefined;
      /** Sends the spans that wait, for a moment at most. Does not throw. */
      readonly flush: () => Promise<void>;
      /**
       * Follows a call into its worker thread, which loads the module `thread-requests.ts` by its URL; `undefined` when the
       * step that runs now is not traced. Only for our own SDK, whose spans can get the id that a request carried.
       */
      readonly followThread: (moduleUrl: string) => ThreadFollower | undefined;
    }
  | { readonly ok: false; readonly problems: readonly string[] };

const TRACES_ENDPOINT = 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT';

const BATCH_VARIABLES = [
  ['OTEL_BSP_SCHEDULE_DELAY', 'scheduledDelayMillis'],
  ['OTEL_BSP_EXPORT_TIMEOUT', 'exportTimeoutMillis'],
  ['OTEL_BSP_MAX_QUEUE_SIZE', 'maxQueueSize'],
  ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 'maxExportBatchSize'],
] as const;

const FLUSH_MS = 3000;

/** How soon after the last time to say again that spans cannot be exported, in seconds; the metric counts each. */
const QUIET_SECONDS = 60;

/**
 * Starts tracing if there is where to send spans to, or if an SDK has been registered before; only then is the
 * OpenTelemetry SDK loaded. The process gets one SDK: call once.
 * @param endpoint of OTLP over HTTP, without a path for traces
 * @returns every variable that asks for what there is not
 */
export async function startTracing(
  endpoint: string | undefined,
  env: Variables,
  {
    now,
    ...options
  }: Pick<TracingOptions, 'version' | 'counted' | 'onError'> & {
    /** Told that spans are exported again. */
    readonly onRecovered: () => void;
    readonly now: () => number;
  },
): Promise<StartedTracing> {
  const tracing = new Tracing();
  const noSdk = { flush: () => Promise.resolve(), followThread: () => undefined };
  const url = urlOf(endpoint, env);
  if (tracing.active) return { ok: true, tracing, ...noSdk };
  if (url === undefined) return { ok: true, tracing: undefined, ...noSdk };
  const read = readVariables(env, url);
  if (!read.ok) return read;
  const { registerSdk } = await import('./otlp.ts');
  let failing = false;
  let saidAt = -Infinity;
  const onError = (error: Error): void => {
    if (failing || now() - saidAt < QUIET_SECONDS) return;
    failing = true;
    saidAt = now();
    options.onError(error);
  };
  const counted: typeof options.counted = (outcome, spans) => {
    options.counted(outcome, spans);
    if (outcome !== 'exported' || !failing) return;
    failing = false;
    options.onRecovered();
  };
  const { flush, followThread } = registerSdk({ ...options, ...read.options, counted, onError, url });
  return {
    ok: true,
    tracing,
    followThread,
    async flush() {
      let timer: NodeJS.Timeout | undefined;
      const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, FLUSH_MS)));
      await Promise.race([flush().catch(onError), patience]);
      clearTimeout(timer);
    },
  };
}

/** Where traces go; the variable for traces alone holds the whole URL (OpenTelemetry, "OTLP exporter"). */
function urlOf(endpoint: string | undefined, env: Variables): string | undefined {
  const disabled =
    env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true' || env['OTEL_TRACES_EXPORTER'] === 'none';
  if (disabled) return undefined;
  if (env[TRACES_ENDPOINT]) return env[TRACES_ENDPOINT];
  return endpoint === undefined ? undefined : `${endpoint.replace(/\/$/, '')}/v1/traces`;
}

function readVariables(
  env: Variables,
  url: string,
):
  | { readonly ok: true; readonly options: Pick<TracingOptions, 'sampler' | 'ratio' | 'batch'> }
  | { readonly ok: false; readonly problems: readonly string[] } {
  const problems: string[] = [];
  const must = (name: string, values: readonly string[]): string | undefined => {
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
  must('OTEL_TRACES_EXPORTER', ['otlp', 'none']);
  for (const name of ['OTEL_EXPORTER_OTLP_PROTOCOL', 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'])
    must(name, ['http/protobuf']);
  const sampler = (must('OTEL_TRACES_SAMPLER', SAMPLER_NAMES) ?? 'parentbased_always_on') as SamplerName;
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
