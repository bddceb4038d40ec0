import { counter, once, secondsOf, type Time } from './series.ts';
import { calls, type Calls } from './server.ts';

/** How an event is played: healthy before and after. */
export interface Course {
  readonly before: Time;
  readonly during: Time;
  readonly after: Time;
  readonly scrape: Time;
  readonly evaluate: Time;
  /** Whether alerts that look back days are played too. */
  readonly fillsDays: boolean;
}

/** Fills the windows of pages, the longest of which is 6 hours. */
export const HOURS: Course = {
  before: '7h',
  during: '1h',
  after: '1h',
  scrape: '30s',
  evaluate: '1m',
  fillsDays: false,
};

/** Fills the windows of tickets, the longest of which is 3 days. */
export const DAYS: Course = {
  before: '3d1h',
  during: '3d',
  after: '12h',
  scrape: '10m',
  evaluate: '30m',
  fillsDays: true,
};

/** The event itself fills the windows of pages, those of minutes too, which are empty in `DAYS`. */
export const SIX_HOURS: Course = { ...HOURS, before: '30m', during: '6h', after: '30m' };

/** Something that happens to a service with one instance and one tool. */
export interface Event {
  readonly name: string;
  readonly course: Course;
  readonly callsPerSecond: number;
  readonly calls: readonly Calls[];
}

/** A share of all calls that end alike. */
interface Part {
  readonly share: number;
  readonly outcome: Calls['outcome'];
  readonly seconds: number;
}

export const HEALTHY = { failing: 0.0005, seconds: 0.4 } as const;

const failing = (share: number, outcome: Calls['outcome'] = 'exception'): readonly Part[] => [
  { share: 1 - share, outcome: 'success', seconds: HEALTHY.seconds },
  { share, outcome, seconds: HEALTHY.seconds },
];

const slow = (share: number, seconds: number): readonly Part[] => [
  { share: 1 - share, outcome: 'success', seconds: HEALTHY.seconds },
  { share, outcome: 'success', seconds },
];

/** A steady flow of healthy calls that consists of other parts for as long as the event lasts. */
function flow(name: string, course: Course, callsPerSecond: number, parts: readonly Part[]): Event {
  const begin = course.before;
  const end = `${secondsOf(begin) + secondsOf(course.during)}s`;
  const healthy = failing(HEALTHY.failing).map(({ share, outcome, seconds }) => {
    const perSecond = share * callsPerSecond;
    const values = counter({ perSecond, until: begin }, { perSecond: 0, until: end }, { perSecond });
    return calls(outcome, values, seconds);
  });
  const other = parts.map(({ share, outcome, seconds }) => {
    const perSecond = share * callsPerSecond;
    const values = counter({ perSecond: 0, until: begin }, { perSecond, until: end }, { perSecond: 0 });
    return calls(outcome, values, seconds);
  });
  return { name, course, callsPerSecond, calls: [...healthy, ...other] };
}

/** More than ten calls a second would change nothing: at a constant rate only the fewest calls an alert needs count. */
const atEachRate = (name: string, course: Course, parts: readonly Part[]): readonly Event[] =>
  [10, 0.1].map((callsPerSecond) => flow(name, course, callsPerSecond, parts));

const slowFaults = (course: Course): readonly Event[] => [
  ...atEachRate('2 % of calls fail', course, failing(0.02)),
  ...atEachRate('10 % of calls take 4 s', course, slow(0.1, 4)),
];

const asAllowed = (course: Course): Event =>
  flow('0.4 % of calls fail, as the objective allows', course, 10, failing(0.004));

export const FAULTS: readonly Event[] = [
  ...atEachRate('100 % of calls fail', HOURS, failing(1)),
  ...atEachRate('50 % of calls fail', HOURS, failing(0.5)),
  ...atEachRate('15 % of calls fail', HOURS, failing(0.15)),
  ...atEachRate('all calls take 8 s', HOURS, slow(1, 8)),
  flow('all calls end in an error that the tool reports', HOURS, 0.1, failing(1, 'tool_error')),
  ...slowFaults(DAYS),
];

const failedAlone = (times: number): Event => ({
  name: `a call fails ${times === 1 ? 'once' : `${times} times in a row`}, and there are no others`,
  course: HOURS,
  callsPerSecond: 0,
  calls: [calls('exception', once(HOURS.before, times))],
});

export const NO_FAULT: readonly Event[] = [
  { name: 'nothing is called', course: HOURS, callsPerSecond: 0, calls: [] },
  flow('30 % of calls have invalid arguments', HOURS, 10, failing(0.3, 'invalid_arguments')),
  flow('10 % of calls end in an error that the tool reports', HOURS, 10, failing(0.1, 'tool_error')),
  asAllowed(DAYS),
  failedAlone(1),
  failedAlone(7),
];

/** The first hours of all that lasts days, scraped as often as usual. */
export const FIRST_HOURS: readonly Event[] = [...slowFaults(SIX_HOURS), asAllowed(SIX_HOURS)];
