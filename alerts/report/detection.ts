import { bucketShares } from './latency.ts';
import { simulate } from './promtool.ts';
import { Random } from './random.ts';
import { needsDays } from './rules.ts';
import { QUIET } from './service.ts';
import { PODS, Target, TOOLS, type InputSeries } from './target.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;

/** What goes wrong from one moment on, with all tools of all pods alike. */
export interface Fault {
  readonly name: string;
  /** The share of calls that fail. */
  readonly failing: number;
  /** How many times longer calls take. */
  readonly slower: number;
}

export interface Scenario {
  readonly fault: Fault;
  readonly callsPerSecond: number;
}

/** How long a simulation lasts, and how finely it looks. */
export interface Course {
  readonly historySeconds: number;
  readonly faultSeconds: number;
  /** Between scrapes, and between evaluations. */
  readonly stepSeconds: number;
}

/** An alert that fired, and how long after the fault began. */
export interface Firing {
  readonly scenario: Scenario;
  readonly alert: string;
  readonly severity: string;
  readonly seconds: number;
}

/** When a scenario pages and when it opens a ticket. */
export interface Detection {
  readonly scenario: Scenario;
  readonly page: Firing | undefined;
  readonly ticket: Firing | undefined;
}

const outage = (failing: number): Fault => ({
  name: `${failing * 100} % of calls fail`,
  failing,
  slower: 1,
});
const slowdown = (slower: number): Fault => ({
  name: `calls take ${slower} times as long`,
  failing: QUIET.faults,
  slower,
});

export const FAULTS: readonly Fault[] = [...[1, 0.5, 0.1, 0.02].map(outage), ...[2, 10].map(slowdown)];
export const RATES: readonly number[] = [1000, 10, 0.1];

/** Fills the windows of pages, the longest of which is 6 hours, and looks as finely as the rules are meant to. */
export const SHORT: Course = { historySeconds: 7 * HOUR, faultSeconds: 3 * HOUR, stepSeconds: 30 };

/** Fills the windows of tickets, the longest of which is 3 days. */
export const LONG: Course = { historySeconds: 3 * DAY + HOUR, faultSeconds: 3 * DAY, stepSeconds: 120 };

/** Tickets that look back days wait for half an hour in any case. */
const LONG_WAIT = 1800;

/** Measures scenarios of one simulated Prometheus in the short course, and in the long one where needed. */
export async function detect(
  scenarios: readonly Scenario[],
  seed: string,
  longCourse = LONG,
): Promise<readonly Detection[]> {
  const short = (await firings(scenarios, SHORT, seed)).filter((firing) => !needsDays(firing));
  const unsettled = scenarios.filter((scenario) => {
    const ticket = first(short, scenario, 'warning');
    return !ticket || ticket.seconds > LONG_WAIT;
  });
  const long = unsettled.length === 0 ? [] : await firings(unsettled, longCourse, seed);
  return scenarios.map((scenario) => ({
    scenario,
    page: first(short, scenario, 'critical') ?? first(long, scenario, 'critical'),
    ticket: first([...short, ...long], scenario, 'warning'),
  }));
}

const first = (all: readonly Firing[], scenario: Scenario, severity: string): Firing | undefined =>
  all
    .filter((firing) => firing.scenario === scenario && firing.severity === severity)
    .reduce<Firing | undefined>(
      (best, firing) => (best && best.seconds <= firing.seconds ? best : firing),
      undefined,
    );

/** When each alert fires first; every scenario is a namespace of its own. */
export async function firings(
  scenarios: readonly Scenario[],
  { historySeconds, faultSeconds, stepSeconds }: Course,
  seed: string,
): Promise<readonly Firing[]> {
  const steps = { history: historySeconds / stepSeconds, fault: faultSeconds / stepSeconds };
  const results = await simulate({
    stepSeconds,
    series: scenarios.flatMap((scenario, index) => [
      ...play(scenario, index, steps, stepSeconds, new Random(`${seed}/${index}`)),
    ]),
    query: (range) => `min_over_time(timestamp(ALERTS{alertstate="firing"})[${range}])`,
    fromSeconds: 0,
    toSeconds: historySeconds + faultSeconds,
  });
  return results.flatMap(({ labels, value }) => {
    const scenario = scenarios[Number(labels['namespace'])];
    if (!scenario) return [];
    const { alertname: alert = '', severity = '' } = labels;
    return [{ scenario, alert, severity, seconds: value - historySeconds }];
  });
}

function* play(
  { fault, callsPerSecond }: Scenario,
  index: number,
  steps: { readonly history: number; readonly fault: number },
  stepSeconds: number,
  random: Random,
): Generator<InputSeries> {
  const healthy = bucketShares();
  const faulty = bucketShares(fault.slower);
  const calls = (callsPerSecond * stepSeconds) / (PODS.length * TOOLS.length);
  for (const pod of PODS) {
    const target = new Target(`job="nexus-mcp",namespace="${index}",instance="${pod}"`);
    target.set('mcp_build_info', 1);
    for (let step = 0; step <= steps.history + steps.fault; step++) {
      const broken = step > steps.history;
      for (const tool of TOOLS) {
        const count = random.poisson(calls);
        const exception = random.binomial(count, broken ? fault.failing : QUIET.faults);
        const durations = random.split(count, broken ? faulty : healthy);
        target.finished(tool, { success: count - exception, failed: { exception }, durations });
      }
      target.scrape();
    }
    yield* target.inputSeries();
  }
}
