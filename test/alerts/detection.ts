import { stringify } from 'yaml';
import { ALLOWED_ERRORS, ALLOWED_SLOW } from '../../alerts/source/records.ts';
import type { RuleGroup } from '../../alerts/source/rules.ts';
import type { Course, Event } from './events.ts';
import { promtool } from './promtool.ts';
import { matchers } from './simulation.ts';
import { RULES } from './scenario.ts';
import { notation, secondsOf } from './series.ts';
import { server, tool } from './server.ts';

/** An alert that an event leads to. Times are in seconds. */
export interface Firing {
  readonly event: Event;
  readonly alert: string;
  readonly severity: string;
  /** From the beginning of the event to the first evaluation in which it fires. */
  readonly after: number;
  /** From the end of the event to the first evaluation in which it no longer fires; negative when it was over before. */
  readonly overAfter: number;
}

/** Plays the events through the generated rules. Returns the alerts that fire, the first one first. */
export async function detect(events: readonly Event[]): Promise<readonly Firing[]> {
  const courses = [...new Set(events.map(({ course }) => course))];
  const played = await Promise.all(courses.map((course) => play(events, course)));
  return played.flat().sort((one, other) => one.after - other.after);
}

/** All that fires at the times at which promtool is asked. It is told to expect nothing, and complains of each. */
const FIRING = 'count by (namespace, alertname, severity) (ALERTS{alertstate="firing"})';

/** Plays the events of a course; each is a namespace of its own. */
async function play(events: readonly Event[], course: Course): Promise<readonly Firing[]> {
  const { before, during, after, scrape, evaluate } = course;
  const begin = secondsOf(before);
  const end = begin + secondsOf(during);
  const last = end + secondsOf(after);
  const scrapeSeconds = secondsOf(scrape);
  const step = secondsOf(evaluate);
  const grid = { scrapeSeconds, samples: last / scrapeSeconds + 1 };
  const test = {
    interval: scrape,
    input_series: events.flatMap((event, index) =>
      event.course === course
        ? server({ tools: [tool('echo', ...event.calls)] }).map(({ name, labels, values }) => ({
            series: `${name}${matchers({ job: 'nexus-mcp', namespace: String(index), ...labels })}`,
            values: notation(values(grid)),
          }))
        : [],
    ),
    promql_expr_test: Array.from({ length: last / step }, (_, index) => ({
      expr: FIRING,
      eval_time: `${(index + 1) * step}s`,
    })),
  };
  const file = {
    rule_files: ['rules.yaml'],
    evaluation_interval: evaluate,
    // Without it promtool takes the groups in any order, and alerts may read ratios of the time before.
    group_eval_order: RULES.map(({ name }) => name),
    tests: [test],
  };
  const { output } = await promtool(['test', 'rules', 'test.yaml'], {
    'rules.yaml': stringify({ groups: course.fillsDays ? RULES : RULES.map(withoutDays) }),
    'test.yaml': stringify(file),
  });
  return firingsIn(output).map(({ labels, times: [first = 0, ...more] }) => {
    const event = events[Number(labels['namespace'])];
    if (!event) throw new Error(`promtool could not play the events:\n${output.slice(0, 2000)}`);
    const { alertname: alert = '', severity = '' } = labels;
    return { event, alert, severity, after: first - begin, overAfter: (more.at(-1) ?? first) + step - end };
  });
}

/** Ask whether there was a success, or the service, within a day: those of some hours ago will do. */
const CONTENT_WITH_HOURS = ['NexusMCPToolAlwaysFails', ALLOWED_ERRORS, ALLOWED_SLOW];

/** Without the rules that look back a day or more, whose windows a history of hours does not fill. */
const withoutDays = ({ rules, ...group }: RuleGroup): RuleGroup => ({
  ...group,
  rules: rules.filter(
    ({ alert, record, expr }) => CONTENT_WITH_HOURS.includes(alert ?? record ?? '') || !/\dd\b/.test(expr),
  ),
});

interface Series {
  readonly labels: Readonly<Record<string, string>>;
  /** In seconds, ascending. */
  readonly times: readonly number[];
}

/** Reads `time: 7h3m,` and the `got: {…} 1E+00, {…} 1E+00` after it out of what promtool says of failed tests. */
function firingsIn(output: string): readonly Series[] {
  const found = new Map<string, number[]>();
  if (/\berr:|^ *FAILED:(?!$)/m.test(output) || !/SUCCESS|^ *got: /m.test(output))
    throw new Error(`promtool could not play the events:\n${output.slice(0, 2000)}`);
  for (const [, time = '', got = ''] of output.matchAll(/, time: (\w+),\s+exp: nil\s+got: (.*)$/gm))
    for (const [labels] of got.matchAll(/\{.*?\}/g))
      found.set(labels, [...(found.get(labels) ?? []), secondsOf(time)]);
  return [...found].map(([labels, times]) => ({
    labels: Object.fromEntries(
      [...labels.matchAll(/(\w+)="(.*?)"/g)].map(([, name = '', value = '']) => [name, value]),
    ),
    times,
  }));
}
