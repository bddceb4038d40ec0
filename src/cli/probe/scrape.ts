import { CONTENT_TYPES } from '../../monitoring/metrics/exposition.ts';
import type { MetricName } from '../../monitoring/metrics/metrics.ts';
import { ask, type ProbeRequest } from './request.ts';

/** What a scrape says of calls that succeeded, and of which process. */
export interface Scrape {
  /** Tells replicas apart; the same for all, where a process does not say when it started. */
  readonly replica: string;
  /** By tool. */
  readonly successes: ReadonlyMap<string, number>;
}

export type ScrapeResult =
  | { readonly ok: true; readonly scrape: Scrape }
  | { readonly ok: false; readonly problem: string };

const CALLS: MetricName = 'mcp_tool_calls_total';
const SUCCESSES = new RegExp(`^${CALLS}\\{tool_name="([^"]+)",status="success"\\} (\\S+)$`, 'gm');
const REPLICA = /^process_start_time_seconds (\S+)$/m;

/** Scrapes once, as Prometheus would, and says what is wrong with the answer. */
export async function scrape(
  url: URL,
  { headers, ...options }: Omit<ProbeRequest, 'method' | 'body'>,
): Promise<ScrapeResult> {
  const accept = 'text/plain;version=0.0.4';
  const asked = await ask(url, { ...options, method: 'GET', headers: { ...headers, accept } });
  if (!asked.ok) return asked;
  const { status, headers: answered, text } = asked.answer;
  const fail = (problem: string): ScrapeResult => ({ ok: false, problem: `${url.href} ${problem}` });
  if (status === 401)
    return fail('answers 401; it wants a token (metrics.needToken): is the one given right?');
  if (status === 404)
    return fail(
      'answers 404; name the operations port in --metrics-url, or give --no-metrics if metrics are off',
    );
  if (status !== 200) return fail(`answers ${status}`);
  const type = answered['content-type'] ?? 'none';
  if (type !== CONTENT_TYPES.prometheus)
    return fail(`has the content type ${type}, not ${CONTENT_TYPES.prometheus}; Prometheus would refuse it`);
  if (!text.includes(`# TYPE ${CALLS} counter`))
    return fail(`does not know ${CALLS}; are these the metrics of this server?`);
  const found = [...text.matchAll(SUCCESSES)].map(([, tool = '', value]) => [tool, Number(value)] as const);
  return { ok: true, scrape: { replica: REPLICA.exec(text)?.[1] ?? '', successes: new Map(found) } };
}
