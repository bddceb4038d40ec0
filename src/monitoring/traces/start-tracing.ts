import type { SdkOptions } from './otlp.ts';
import { Tracing } from './tracing.ts';
import { readVariables, urlOf, type Variables } from './variables.ts';

export type StartedTracing =
  | {
      readonly ok: true;
      /** `undefined` when nothing is traced. */
      readonly tracing: Tracing | undefined;
      /** Sends the spans that wait, for a moment at most. Does not throw. */
      readonly flush: () => Promise<void>;
    }
  | { readonly ok: false; readonly problems: readonly string[] };

const FLUSH_MS = 3000;

/** How soon after the last time to say again that spans cannot be exported, in seconds; the metric counts each. */
const QUIET_SECONDS = 60;

/**
 * Starts tracing if there is where to send spans to, or if an SDK has been registered before; only then is the
 * OpenTelemetry SDK loaded. The process gets one SDK: call once.
 * @param endpoint of OTLP over HTTP, without a path for traces
 * @returns `problems` names every variable whose value this server cannot follow
 */
export async function startTracing(
  endpoint: string | undefined,
  env: Variables,
  {
    now,
    ...options
  }: Pick<SdkOptions, 'version' | 'random' | 'counted'> & {
    /** Told why spans cannot be exported, once until some are again. */
    readonly onError: (error: Error) => void;
    /** Told that spans are exported again. */
    readonly onRecovered: () => void;
    readonly now: () => number;
  },
): Promise<StartedTracing> {
  const tracing = new Tracing();
  const flushNothing = () => Promise.resolve();
  const url = urlOf(endpoint, env);
  if (tracing.active) return { ok: true, tracing, flush: flushNothing };
  if (url === undefined) return { ok: true, tracing: undefined, flush: flushNothing };
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
  const flush = registerSdk({ ...options, ...read.options, counted, onError, url });
  return {
    ok: true,
    tracing,
    async flush() {
      let timer: NodeJS.Timeout | undefined;
      const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, FLUSH_MS)));
      await Promise.race([flush().catch(onError), patience]);
      clearTimeout(timer);
    },
  };
}
