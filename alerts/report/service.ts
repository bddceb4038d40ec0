import { BASELINE, bucketShares } from './latency.ts';
import type { Random } from './random.ts';
import { PODS, Target, TOOLS, type InputSeries } from './target.ts';

/** What healthy days are made of. */
export const QUIET = {
  peakCallsPerSecond: 10,
  nightCallsPerHour: 6,
  peakSessions: 100,
  /** Shares of calls. */
  faults: 0.0005,
  toolErrors: 0.03,
  invalidArguments: 0.02,
  lostScrapesADay: 1,
  /** Between the replacement of one pod and the next. */
  deployGapMinutes: 3,
  /** Share of the clients without a session that come back within a minute. */
  returning: 0.15,
  /** How often an agent tries a call that fails at once, one night a week. */
  retries: 7,
} as const;

interface Pod {
  target: Target;
  sessions: number;
  startedAt: number;
  /** The last minute in which it did not answer. */
  downAt?: number;
}

const MEGABYTE = 2 ** 20;
const DURATIONS = bucketShares();
/** The mean of the log-normal distribution. */
const MEAN_CALL_SECONDS = BASELINE.medianSeconds * Math.exp(BASELINE.sigma ** 2 / 2);

/** A healthy service of two pods with all that moves in it, minute by minute. */
export class Service {
  readonly #labels: string;
  readonly #targets: Target[] = [];
  readonly #pods: Pod[];
  /** Replaced pods that may still be scraped in this minute. */
  #draining: { readonly target: Target; readonly lastMinute: number }[] = [];
  #minute = 0;
  #scrapes = 0;
  /** Clients whose session ended with its process, and who do not know it yet. */
  #strayClients = 0;

  constructor(namespace: string) {
    this.#labels = `job="nexus-mcp",namespace="${namespace}"`;
    this.#pods = PODS.map(() => this.#start());
  }

  /** Brings a new process: at a new address while the old one drains, or in the place of the old one. */
  deploy(index: number, way: 'replace' | 'restart', random: Random): void {
    const pod = this.#pods[index];
    if (!pod) return;
    this.#strayClients += pod.sessions;
    for (const tool of TOOLS)
      pod.target.finished(tool, { success: 0, failed: { overloaded: random.poisson(1) }, durations: [] });
    if (way === 'replace') {
      this.#draining.push({ target: pod.target, lastMinute: this.#minute });
      this.#pods[index] = this.#start();
    } else {
      pod.target.restart();
      pod.startedAt = pod.downAt = this.#minute;
    }
  }

  /** A minute passes: calls are served, some of which fail. @param load from 0 to 1, of the day's peak */
  pass(load: number, random: Random): void {
    this.#minute += 1;
    for (const { target } of this.#pods) {
      for (const tool of TOOLS) {
        const mean = (QUIET.peakCallsPerSecond * 60 * load) / (PODS.length * TOOLS.length);
        this.#serve(target, tool, random.poisson(mean), random);
      }
    }
    const returning = random.binomial(this.#strayClients, QUIET.returning);
    this.#strayClients -= returning;
    for (const [index, requests] of random.split(returning, [0.5, 0.5]).entries())
      this.#pods[index]?.target.count('mcp_session_not_found_total', requests);
    for (const pod of this.#pods) this.#measure(pod, load, random);
  }

  /** Calls that fail through the server's fault, one after the other. */
  fail(times: number): void {
    this.#pods[0]?.target.finished(TOOLS[0], {
      success: 0,
      failed: { exception: times },
      durations: [times],
    });
  }

  /** Scrapes every pod. @param lost the share of scrapes that fail */
  scrape(lost: number, random: Random): void {
    for (const { target, downAt } of this.#pods) {
      if (downAt === this.#minute - 1 || random.next() < lost) target.scrapeFails();
      else target.scrape();
    }
    this.#draining = this.#draining.filter(({ target, lastMinute }) => {
      const there = lastMinute >= this.#minute - 1;
      if (there) target.scrape();
      else target.vanish();
      return there;
    });
    this.#scrapes += 1;
  }

  *inputSeries(): Generator<InputSeries> {
    for (const target of this.#targets) yield* target.inputSeries();
  }

  #serve(target: Target, tool: string, calls: number, random: Random): void {
    const { faults, toolErrors, invalidArguments } = QUIET;
    const [exception = 0, tool_error = 0, invalid_arguments = 0, success = 0] = random.split(calls, [
      faults,
      toolErrors,
      invalidArguments,
      1 - faults - toolErrors - invalidArguments,
    ]);
    target.finished(tool, {
      success,
      failed: { exception, tool_error, invalid_arguments, overloaded: 0 },
      durations: random.split(calls - invalid_arguments, DURATIONS),
    });
    const inFlight = random.poisson((calls * MEAN_CALL_SECONDS) / 60);
    target.set('mcp_tool_calls_in_flight', inFlight, `tool_name="${tool}"`);
  }

  /** What the process tells of itself. */
  #measure(pod: Pod, load: number, random: Random): void {
    const { target } = pod;
    pod.sessions = Math.round((QUIET.peakSessions * load) / PODS.length);
    target.set('mcp_build_info', 1);
    target.set('mcp_active_sessions', pod.sessions);
    target.set('mcp_sessions_limit', 1000);
    target.set('mcp_active_subscriptions', Math.round(pod.sessions / 5));
    target.set('mcp_subscriptions_limit', 1024);
    // One scrape in a hundred meets a long garbage collection.
    const lag = random.next() < 0.01 ? 0.5 : 0.011 + 0.02 * load * random.next();
    target.set('nodejs_eventloop_lag_p99_seconds', round(lag));
    target.set('nodejs_eventloop_utilization', round(0.02 + 0.5 * load + 0.1 * random.next()));
    target.set('nodejs_heap_size_used_bytes', random.between(60, 180) * MEGABYTE);
    target.set('nodejs_heap_size_limit_bytes', 256 * MEGABYTE);
    target.set('process_open_fds', 40 + pod.sessions);
    target.set('process_max_fds', 1024);
    target.set('process_start_time_seconds', pod.startedAt * 60);
    target.set('scrape_samples_scraped', 1500);
    target.count('mcp_auth_failures_total', random.poisson(0.02), 'reason="unknown_token"');
    target.count('mcp_worker_restarts_total', random.poisson(1 / 1440), 'reason="timeout"');
  }

  #start(): Pod {
    const address = `10.0.0.${this.#targets.length + 1}:9999`;
    const target = new Target(`${this.#labels},instance="${address}"`, this.#scrapes);
    this.#targets.push(target);
    return { target, sessions: 0, startedAt: this.#minute };
  }
}

const round = (value: number): number => Number(value.toPrecision(4));
