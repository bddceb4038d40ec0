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
  const faults = judgeTools(activity);
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
  metrics === 'operations_port'
    ? 'What its tools do is shown at the same path of the operations port (ops.port).'
    : 'Nothing is recorded, because metrics are switched off (metrics.enabled).';

function judgeTools(activity: ActivityReport): Verdict | undefined {
  const faulty = activity.tools
    .filter(({ server_faults }) => server_faults > 0)
    .sort((a, b) => b.server_faults - a.server_faults);
  const failing = faulty.filter((tool) => tool.failing);
  const [worst] = failing.length > 0 ? failing : faulty;
  if (!worst) return undefined;
  const faults = faultsOf(worst, activity);
  const [[reason]] = faults;
  const counts = faults.map(([name, count]) => `${number(count)} ${name}`).join(', ');
  const detail = `${number(worst.server_faults)} of ${acceptedOf(worst)} of ${worst.name} ${lately(activity)} failed by the server’s fault (${counts}). ${reason}: ${activity.reasons[reason].when}.`;
  if (failing.length > 1)
    return { level: 'bad', headline: `${failing.length} tools are failing: ${namesOf(failing)}`, detail };
  if (failing.length === 1) return { level: 'bad', headline: `${worst.name} is failing: ${reason}`, detail };
  return { level: 'warn', headline: `A few calls failed: ${namesOf(faulty)}`, detail };
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
