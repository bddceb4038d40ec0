import type { ActivityReport, ToolActivity } from '../../monitoring/activity.ts';
import type { ErrorReason } from '../../tools/reasons.ts';
import type { DiscoveryReport, UpstreamReport } from '../../upstream/labels.ts';
import type { Facts, Verdict } from './status.ts';

type Judged = Pick<Facts, 'state' | 'activity' | 'metrics' | 'upstreams' | 'discovery'>;

/** Puts a status into words. */
export function judge({ state, activity, metrics, upstreams = [], discovery }: Judged): Verdict {
  if (state === 'starting') return warn('Starting', 'It takes no calls yet.');
  if (state === 'draining')
    return warn('Shutting down', 'It finishes the calls it has and takes no new ones.');
  if (!activity) {
    const detail =
      metrics === 'not_recorded'
        ? 'Metrics are switched off (metrics.enabled), so this page shows no calls.'
        : 'What its tools do is shown at the same path of the operations port (ops.port).';
    return { level: 'unknown', headline: 'Ready', detail };
  }
  const complaint = judgeTools(activity);
  // One that is away hurts nobody who does not call it.
  const absent = complaint?.level === 'bad' ? undefined : judgeUpstreams(upstreams);
  const said = absent ?? complaint ?? judgeDiscovery(discovery);
  if (said) return said;
  const calls = sum(activity.tools.map((tool) => tool.calls));
  const failed = sum(activity.tools.flatMap(({ errors }) => Object.values(errors)));
  const others = failed === 0 ? '' : `; ${number(failed)} failed on the caller’s side`;
  const detail = `${calls === 0 ? 'No calls' : callsOf(calls)} ${lately(activity)}${others}.`;
  return { level: 'good', headline: 'Nothing is wrong', detail };
}

const warn = (headline: string, detail: string): Verdict => ({ level: 'warn', headline, detail });

const AWAY: ReadonlySet<string> = new Set(['degraded', 'open', 'unauthorized', 'down']);

function judgeUpstreams(upstreams: readonly UpstreamReport[]): Verdict | undefined {
  const away = upstreams.filter(({ state }) => AWAY.has(state));
  const [first] = away;
  if (!first) return undefined;
  const { name, state, seconds, why } = first;
  const headline =
    away.length > 1 ? `${away.length} upstreams are not up: ${namesOf(away)}` : `${name} is ${state}`;
  return warn(headline, `Upstream ${name} has been ${state} for ${Math.floor(seconds)} s: ${why}.`);
}

/** From then on the alert NexusMCPDiscoveryStale waits. */
const STALE_SECONDS = 300;

function judgeDiscovery(discovery: DiscoveryReport | undefined): Verdict | undefined {
  if (!discovery || discovery.age_seconds <= STALE_SECONDS) return undefined;
  const detail = `For ${Math.floor(discovery.age_seconds / 60)} minutes the Kubernetes API has not listed the upstream Services: ${discovery.why}.`;
  return warn('The list of upstreams in Kubernetes is out of date', `${detail} The known upstreams stay.`);
}

function judgeTools(activity: ActivityReport): Verdict | undefined {
  const faulty = worstFirst(activity, (tool) => tool.server_faults);
  const failing = faulty.filter((tool) => tool.failing);
  if (failing[0]) {
    const [[reason]] = faultsOf(failing[0], activity);
    const headline =
      failing.length > 1
        ? `${failing.length} tools are failing: ${namesOf(failing)}`
        : `${failing[0].name} is failing: ${reason}`;
    return { level: 'bad', headline, detail: failuresOf(failing[0], activity) };
  }
  // Nothing is counted while calls hang, because nothing ends.
  const stuck = worstFirst(activity, (tool) => (tool.stuck ? tool.in_flight : 0));
  if (stuck[0]) {
    const { name, in_flight, stalled_seconds } = stuck[0];
    const which = `${callsOf(in_flight)} of ${name} ${in_flight === 1 ? 'is' : 'are'} in flight`;
    const detail = `${which}, and none has ended for ${Math.floor(stalled_seconds)} s: the tool hangs, or its deadline is that long.`;
    return warn(`Calls do not end: ${namesOf(stuck)}`, detail);
  }
  const slow = worstFirst(activity, (tool) => (tool.slow ? (tool.p95_seconds ?? 0) : 0));
  if (slow[0]) {
    const seconds = (slow[0].p95_seconds ?? 0).toFixed(1);
    const detail = `One in 20 calls of ${slow[0].name} took about ${seconds} s or longer ${lately(activity)}.`;
    return warn(`Slow: ${namesOf(slow)}`, detail);
  }
  return faulty[0] && warn(`A few calls failed: ${namesOf(faulty)}`, failuresOf(faulty[0], activity));
}

/** The tools of which something bad is above 0, the worst first. */
const worstFirst = ({ tools }: ActivityReport, badness: (tool: ToolActivity) => number) =>
  tools.filter((tool) => badness(tool) > 0).sort((a, b) => badness(b) - badness(a));

function failuresOf(tool: ToolActivity, activity: ActivityReport): string {
  const { name, calls, accepted, server_faults } = tool;
  const faults = faultsOf(tool, activity);
  const [[reason]] = faults;
  const counts = faults.map(([each, count]) => `${number(count)} ${each}`).join(', ');
  const of = callsOf(accepted, accepted === calls ? '' : 'accepted ');
  return `${number(server_faults)} of ${of} of ${name} ${lately(activity)} failed by the server’s fault (${counts}). ${reason}: ${activity.reasons[reason].when}.`;
}

/** The server's faults among a tool's errors, of which there are some; the most frequent first. */
function faultsOf({ errors }: ToolActivity, { reasons }: ActivityReport) {
  const entries = Object.entries(errors) as [ErrorReason, number][];
  const faults = entries.filter(([reason]) => reasons[reason].server_fault).sort(([, a], [, b]) => b - a);
  return faults as [[ErrorReason, number], ...typeof faults];
}

const SHOWN_NAMES = 3;

function namesOf(tools: readonly { readonly name: string }[]): string {
  const names = tools.slice(0, SHOWN_NAMES).map(({ name }) => name);
  const more = tools.length - names.length;
  return names.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

const NUMBERS = new Intl.NumberFormat('en');
const number = (value: number): string => NUMBERS.format(value);
const callsOf = (count: number, kind = ''): string =>
  `${number(count)} ${kind}${count === 1 ? 'call' : 'calls'}`;
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const lately = ({ since_start }: ActivityReport): string =>
  since_start ? 'since the start' : 'in the last 5 minutes';
