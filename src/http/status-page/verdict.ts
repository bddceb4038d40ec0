import type { ActivityReport, ToolActivity } from '../../monitoring/activity.ts';
import type { ErrorReason } from '../../tools/outcome.ts';
import type { Facts, Verdict } from './status.ts';

/** The share of the limit of sessions that is near it. */
const NEAR_LIMIT = 0.9;

/** Puts a status into words. */
export function judge(status: Facts): Verdict {
  const { state, sessions, sessions_limit, activity } = status;
  if (state === 'starting') return { level: 'warn', headline: 'Starting', detail: 'It takes no calls yet.' };
  if (state === 'draining') {
    const detail = 'It finishes the calls it has and takes no new ones.';
    return { level: 'warn', headline: 'Shutting down', detail };
  }
  if (!activity) return { level: 'unknown', headline: 'Ready', detail: whyNothingIsShown(status) };
  const faults = failing(activity) ?? stuck(activity) ?? slow(activity) ?? faulty(activity);
  if (faults) return faults;
  if (sessions >= NEAR_LIMIT * sessions_limit) {
    const detail = `${number(sessions)} of at most ${number(sessions_limit)} are open; then new ones are refused (sessions.max).`;
    return { level: 'warn', headline: 'Sessions near the limit', detail };
  }
  const calls = sum(activity.tools.map((tool) => tool.calls));
  const failed = sum(activity.tools.flatMap(({ errors }) => Object.values(errors)));
  const others = failed === 0 ? '' : `; ${number(failed)} failed on the caller’s side`;
  return {
    level: 'good',
    headline: 'Nothing is wrong',
    detail: `${calls === 0 ? 'No calls' : callsOf(calls)} ${lately(activity)}${others}.`,
  };
}

const whyNothingIsShown = ({ metrics }: Pick<Facts, 'metrics'>): string =>
  metrics === 'not_recorded'
    ? 'Nothing is recorded, because metrics are switched off (metrics.enabled).'
    : 'What its tools do is shown at the same path of the operations port (ops.port).';

function failing(activity: ActivityReport): Verdict | undefined {
  const tools = byFaults(activity).filter((tool) => tool.failing);
  const [worst] = tools;
  if (!worst) return undefined;
  const [[reason]] = faultsOf(worst, activity);
  const headline =
    tools.length > 1
      ? `${tools.length} tools are failing: ${namesOf(tools)}`
      : `${worst.name} is failing: ${reason}`;
  return { level: 'bad', headline, detail: failuresOf(worst, activity) };
}

/** Nothing is counted while calls hang, because nothing ends. */
function stuck({ tools }: ActivityReport): Verdict | undefined {
  const hanging = tools.filter((tool) => tool.stuck).sort((a, b) => b.in_flight - a.in_flight);
  const [worst] = hanging;
  if (!worst) return undefined;
  const { name, in_flight, stalled_seconds } = worst;
  const which = `${callsOf(in_flight)} of ${name} ${in_flight === 1 ? 'is' : 'are'} in flight`;
  const detail = `${which}, and none has ended for ${Math.floor(stalled_seconds)} s: the tool hangs, or its deadline is that long.`;
  return { level: 'warn', headline: `Calls do not end: ${namesOf(hanging)}`, detail };
}

function slow(activity: ActivityReport): Verdict | undefined {
  const tools = activity.tools
    .filter((tool) => tool.slow)
    .sort((a, b) => (b.p95_seconds ?? 0) - (a.p95_seconds ?? 0));
  const [worst] = tools;
  if (!worst) return undefined;
  const detail = `One in 20 calls of ${worst.name} took about ${(worst.p95_seconds ?? 0).toFixed(1)} s or longer ${lately(activity)}.`;
  return { level: 'warn', headline: `Slow: ${namesOf(tools)}`, detail };
}

function faulty(activity: ActivityReport): Verdict | undefined {
  const tools = byFaults(activity);
  const [worst] = tools;
  if (!worst) return undefined;
  const headline = `A few calls failed: ${namesOf(tools)}`;
  return { level: 'warn', headline, detail: failuresOf(worst, activity) };
}

/** The tools that failed calls, the worst first. */
const byFaults = ({ tools }: ActivityReport): readonly ToolActivity[] =>
  tools.filter(({ server_faults }) => server_faults > 0).sort((a, b) => b.server_faults - a.server_faults);

function failuresOf(tool: ToolActivity, activity: ActivityReport): string {
  const faults = faultsOf(tool, activity);
  const [[reason]] = faults;
  const counts = faults.map(([name, count]) => `${number(count)} ${name}`).join(', ');
  return `${number(tool.server_faults)} of ${acceptedOf(tool)} of ${tool.name} ${lately(activity)} failed by the server’s fault (${counts}). ${reason}: ${activity.reasons[reason].when}.`;
}

/** The server's faults among a tool's errors, the most frequent first. */
function faultsOf({ errors }: ToolActivity, { reasons }: ActivityReport) {
  const entries = Object.entries(errors) as [ErrorReason, number][];
  return entries.filter(([reason]) => reasons[reason].server_fault).sort(([, a], [, b]) => b - a) as [
    [ErrorReason, number],
    ...[ErrorReason, number][],
  ];
}

const SHOWN_NAMES = 3;

function namesOf(tools: readonly ToolActivity[]): string {
  const names = tools.slice(0, SHOWN_NAMES).map(({ name }) => name);
  const more = tools.length - names.length;
  return more > 0 ? `${names.join(', ')} and ${more} more` : names.join(', ');
}

const NUMBERS = new Intl.NumberFormat('en');
const number = (value: number): string => NUMBERS.format(value);
const callsOf = (count: number, kind = ''): string =>
  `${number(count)} ${kind}${count === 1 ? 'call' : 'calls'}`;
/** The calls that count, and a word for it if others were refused. */
const acceptedOf = ({ calls, accepted }: ToolActivity): string =>
  callsOf(accepted, accepted === calls ? '' : 'accepted ');
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const lately = ({ since_start }: ActivityReport): string =>
  since_start ? 'since the start' : 'in the last 5 minutes';
