import type { IssuerReport } from '../../authorization/labels.ts';
import type { ActivityReport, ToolActivity } from '../../monitoring/activity.ts';
import { ALERT_DEFAULTS } from '../../monitoring/alert-defaults.ts';
import { WINDOW_SECONDS } from '../../monitoring/metrics/event-loop.ts';
import type { ErrorReason } from '../../tools/reasons.ts';
import type { DiscoveryReport, UpstreamReport } from '../../upstream/labels.ts';
import type { EventLoopReport, Facts, Verdict } from './status.ts';

type Judged = Pick<Facts, 'state' | 'activity' | 'metrics' | 'uptime_seconds'> & Partial<Facts>;

/** Puts a status into words: the worst first, and after it what else is wrong. */
export function judge({
  state,
  activity,
  metrics,
  uptime_seconds,
  event_loop,
  heap,
  places,
  token_file,
  audit,
  issuers = [],
  upstreams = [],
  discovery,
}: Judged): Verdict {
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
  const complaints = [
    judgeEventLoop(event_loop),
    judgeHeap(heap),
    judgeFailing(activity),
    judgeIssuers(issuers),
    judgePlaces(places, activity),
    judgeUpstreams(upstreams),
    judgeStuck(activity),
    judgeSlow(activity),
    judgeLongTurn(event_loop, uptime_seconds),
    judgeFewFailures(activity),
    judgeDiscovery(discovery),
    judgeTokenFile(token_file),
    judgeAudit(audit),
  ].filter((complaint) => complaint !== undefined);
  const worst = complaints.find(({ level }) => level === 'bad') ?? complaints[0];
  if (worst) {
    const others = complaints.filter((complaint) => complaint !== worst);
    const also = others.length === 0 ? '' : ` Also: ${others.map(({ headline }) => headline).join('. ')}.`;
    return { ...worst, detail: worst.detail + also };
  }
  const calls = sum(activity.tools.map((tool) => tool.calls));
  const failed = sum(activity.tools.flatMap(({ errors }) => Object.values(errors)));
  const others = failed === 0 ? '' : `; ${number(failed)} failed on the caller’s side`;
  const detail = `${calls === 0 ? 'No calls' : callsOf(calls)} ${lately(activity)}${others}.`;
  return { level: 'good', headline: 'Nothing is wrong', detail };
}

const warn = (headline: string, detail: string): Verdict => ({ level: 'warn', headline, detail });
const bad = (headline: string, detail: string): Verdict => ({ level: 'bad', headline, detail });

function judgeEventLoop(loop: EventLoopReport | undefined): Verdict | undefined {
  // A start keeps it busy, and harms nobody.
  if (!loop || loop.window_seconds < WINDOW_SECONDS) return undefined;
  const { lag_p99_seconds, utilization } = loop;
  const { eventLoopBlockedSeconds, eventLoopLagSeconds, eventLoopUtilization } = ALERT_DEFAULTS;
  const detail = `${busyOf(loop)}, and late by ${lag_p99_seconds.toFixed(2)} s (99th percentile). Every call waits for it: a tool computes for long on it, or there are too many calls.`;
  if (lag_p99_seconds > eventLoopBlockedSeconds) return bad('The event loop is blocked', detail);
  if (lag_p99_seconds > eventLoopLagSeconds) return warn('The event loop is late', detail);
  return utilization > eventLoopUtilization ? warn('The event loop has no time left', detail) : undefined;
}

const busyOf = ({ window_seconds, utilization }: EventLoopReport): string =>
  `In the last ${Math.floor(window_seconds)} s the event loop was busy ${percent(utilization)} of the time`;

/** The percentile is one of all turns: it does not see a few long ones, though they may take most of the time. */
function judgeLongTurn(loop: EventLoopReport | undefined, uptime: number): Verdict | undefined {
  const isOfStart = loop !== undefined && loop.window_seconds >= uptime - 1;
  if (!loop || isOfStart || loop.lag_max_seconds <= ALERT_DEFAULTS.eventLoopBlockedSeconds) return undefined;
  return warn(
    `The event loop was blocked for ${loop.lag_max_seconds.toFixed(1)} s`,
    `${busyOf(loop)}. Every call waited meanwhile: a tool computes for long on it, or the process was stopped.`,
  );
}

function judgeHeap(heap: Facts['heap']): Verdict | undefined {
  if (!heap || heap.kept_bytes <= ALERT_DEFAULTS.heapRatio * heap.limit_bytes) return undefined;
  const share = percent(heap.kept_bytes / heap.limit_bytes);
  const detail = `The last full garbage collection left ${share} of its limit, ${number(Math.round(heap.limit_bytes / 1e6))} MB, in use. At the limit the process ends.`;
  return bad('The heap is nearly full', detail);
}

const AWAY: ReadonlySet<string> = new Set(['degraded', 'open', 'unauthorized', 'down']);

/** One that is away hurts nobody who does not call it. */
function judgeUpstreams(upstreams: readonly UpstreamReport[]): Verdict | undefined {
  const away = upstreams.filter(({ state }) => AWAY.has(state));
  const [first] = away;
  if (!first) return undefined;
  const { name, state, seconds, why } = first;
  const headline =
    away.length > 1
      ? `${away.length} upstreams are not up: ${namesOf(away)}`
      : `Upstream ${name} is ${state}`;
  return warn(
    headline,
    `Upstream ${name} has been ${state} for ${Math.floor(seconds)} s${state === 'open' ? ', so that calls are kept from it' : ''}: ${why}.`,
  );
}

/** From then on the alert NexusMCPDiscoveryStale waits. */
const STALE_SECONDS = 300;

function judgeDiscovery(discovery: DiscoveryReport | undefined): Verdict | undefined {
  if (!discovery || discovery.age_seconds <= STALE_SECONDS) return undefined;
  const detail = `For ${Math.floor(discovery.age_seconds / 60)} minutes the Kubernetes API has not listed the upstream Services: ${discovery.why}.`;
  return warn('The list of upstreams in Kubernetes is out of date', `${detail} The known upstreams stay.`);
}

function judgeTokenFile(file: Facts['token_file']): Verdict | undefined {
  if (!file || file.current) return undefined;
  const detail = `For ${Math.floor(file.stale_seconds)} s the token file has been invalid, so the old tokens stay in effect. The log says what is wrong with it.`;
  return warn('The token file is not in effect', detail);
}

/** A loss is told of for as long as the calls of that time are shown. */
const LOSS_SECONDS = 300;

function judgeAudit(audit: Facts['audit']): Verdict | undefined {
  const { failing = false, lost = 0, last_lost_seconds = Infinity } = audit ?? {};
  if (last_lost_seconds <= LOSS_SECONDS) {
    const when = `since the start, the last ${Math.floor(last_lost_seconds)} s ago`;
    return warn('Audit events are lost', `${number(lost)} ${when}. The log says what cannot be written.`);
  }
  const detail =
    'Events cannot be written, or their file cannot be opened again: the log says which. They wait as long as there is room.';
  return failing ? warn('The audit output fails', detail) : undefined;
}

/** From then on the alert NexusMCPAuthKeysStale waits. */
const OLD_KEYS_SECONDS = 3600;

function judgeIssuers(issuers: readonly IssuerReport[]): Verdict | undefined {
  const refused = issuers.find(({ keys_usable, why }) => !keys_usable && why !== '');
  if (refused) return bad(`Tokens of ${refused.issuer} are refused`, troubleOf(refused));
  const old = issuers.find(({ keys_age_seconds }) => keys_age_seconds > OLD_KEYS_SECONDS);
  return old && warn(`The keys of ${old.issuer} are out of date`, troubleOf(old));
}

const troubleOf = ({ failing_seconds, why }: IssuerReport): string =>
  `For ${Math.floor(failing_seconds)} s the issuer has not given its keys: ${why}.`;

/** Where only one tool is full, its calls wait, and the server has room. */
function judgePlaces(places: Facts['places'], activity: ActivityReport): Verdict | undefined {
  if (!places || places.waiting === 0 || places.taken < places.limit) return undefined;
  const busy = worstFirst(activity, ({ running }) => running).slice(0, SHOWN_NAMES);
  const holders = busy.map(({ name, running }) => `${callsOf(running)} of ${name}`).join(', ');
  const detail = `limits.concurrency is ${number(places.limit)}. Who holds them: ${holders}.`;
  return warn(`All places are taken: ${callsOf(places.waiting)} waiting`, detail);
}

function judgeFailing(activity: ActivityReport): Verdict | undefined {
  const failing = worstFirst(activity, (tool) => (tool.failing ? tool.server_faults : 0));
  if (!failing[0]) return undefined;
  const [[reason]] = faultsOf(failing[0], activity);
  const headline =
    failing.length > 1
      ? `${failing.length} tools are failing: ${namesOf(failing)}`
      : `${failing[0].name} is failing: ${reason}`;
  const others = failing.slice(1, SHOWN_NAMES).map((tool) => ` ${failedOf(tool, activity)}.`);
  return bad(headline, failuresOf(failing[0], activity) + others.join(''));
}

/** Nothing is counted while calls hang, because nothing ends. */
function judgeStuck(activity: ActivityReport): Verdict | undefined {
  const stuck = worstFirst(activity, (tool) => (tool.stuck ? tool.in_flight : 0));
  if (!stuck[0]) return undefined;
  const { name, in_flight, stalled_seconds } = stuck[0];
  const which = `${callsOf(in_flight)} of ${name} ${in_flight === 1 ? 'is' : 'are'} in flight`;
  const detail = `${which}, and none has ended for ${Math.floor(stalled_seconds)} s: the tool hangs, or its deadline is that long.`;
  return warn(`Calls of ${namesOf(stuck)} do not end`, detail);
}

/** Against the objective for all calls, or else against the limit for those of one tool. */
function judgeSlow(activity: ActivityReport): Verdict | undefined {
  const { missed, threshold_seconds, objective, ran, slow_calls } = activity.latency;
  const allowed = 100 - objective;
  const slow = worstFirst(activity, (tool) => {
    if (!missed) return tool.slow ? (tool.p95_seconds ?? 0) : 0;
    return 100 * tool.slow_calls > allowed * tool.ran ? tool.slow_calls : 0;
  });
  if (!slow[0]) return undefined;
  const { name, p95_seconds, ...worst } = slow[0];
  const slowest = `One in 20 calls of ${name} took about ${(p95_seconds ?? 0).toFixed(1)} s or longer`;
  const detail = missed
    ? `${number(slow_calls)} of ${callsOf(ran)} took longer than ${threshold_seconds} s ${lately(activity)}, ${number(worst.slow_calls)} of them of ${name}; the latency objective allows ${allowed} %. ${slowest}.`
    : `${slowest} ${lately(activity)}.`;
  return warn(`Slow: ${namesOf(slow)}`, detail);
}

function judgeFewFailures(activity: ActivityReport): Verdict | undefined {
  const faulty = worstFirst(activity, (tool) => (tool.failing ? 0 : tool.server_faults));
  return faulty[0] && warn(`A few calls of ${namesOf(faulty)} failed`, failuresOf(faulty[0], activity));
}

/** The tools of which something bad is above 0, the worst first. */
const worstFirst = ({ tools }: ActivityReport, badness: (tool: ToolActivity) => number) =>
  tools.filter((tool) => badness(tool) > 0).sort((a, b) => badness(b) - badness(a));

function failuresOf(tool: ToolActivity, activity: ActivityReport): string {
  const { name, calls, accepted, server_faults } = tool;
  const [[reason]] = faultsOf(tool, activity);
  const of = callsOf(accepted, accepted === calls ? '' : 'accepted ');
  return `${number(server_faults)} of ${of} of ${name} ${lately(activity)} failed by the server’s fault (${countsOf(tool, activity)}). ${reason}: ${activity.reasons[reason].when}.`;
}

/** The same of a further tool, in short. */
const failedOf = (tool: ToolActivity, activity: ActivityReport): string =>
  `Of ${tool.name}: ${number(tool.server_faults)} of ${number(tool.accepted)} (${countsOf(tool, activity)})`;

const countsOf = (tool: ToolActivity, activity: ActivityReport): string =>
  faultsOf(tool, activity)
    .map(([reason, count]) => `${number(count)} ${reason}`)
    .join(', ');

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
const percent = (share: number): string => `${Math.floor(100 * share)} %`;
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const lately = ({ since_start }: ActivityReport): string =>
  since_start ? 'since the start' : 'in the last 5 minutes';
