import { parse, stringify } from 'yaml';
import { promtool } from './promtool.ts';
import { RULES } from './scenario.ts';
import { secondsOf, type Time } from './series.ts';

export type Labels = Readonly<Record<string, string>>;

/** Series that are scraped, and rules that are evaluated meanwhile. */
export interface Simulation {
  /** Rule files, as texts. */
  readonly ruleTexts: readonly string[];
  readonly scrapeSeconds: number;
  readonly evaluateSeconds: number;
  /** As promtool writes them. */
  readonly series: readonly { readonly series: string; readonly values: string }[];
  /** When to look what fires. */
  readonly times: readonly Time[];
}

/** An alert that fires. */
export interface Fired {
  readonly labels: Labels;
  readonly annotations: Labels;
}

/** @returns for each simulation what fires, by the seconds after its beginning */
export async function simulate(
  simulations: readonly Simulation[],
): Promise<readonly ((time: Time) => readonly Fired[])[]> {
  const ruleTexts = [...new Set(simulations.flatMap((each) => each.ruleTexts))];
  const nameOf = (text: string): string => `rules-${ruleTexts.indexOf(text)}.yaml`;
  const tests = simulations.map((each, index) => [`${index}.yaml`, unitTest(index, each, nameOf)] as const);
  const { output } = await promtool(['test', 'rules', ...tests.map(([name]) => name)], {
    ...Object.fromEntries(ruleTexts.map((text) => [nameOf(text), text])),
    ...Object.fromEntries(tests),
  });
  const fired = firedIn(output);
  return simulations.map(
    (_, index) =>
      (time: Time): readonly Fired[] =>
        fired.get(keyOf(index, time)) ?? [],
  );
}

const keyOf = (test: number | string, time: Time): string => `${test} ${secondsOf(time)}`;

/** The simulation as a file of promtool's. It expects nothing to fire, and so is told of all that does. */
function unitTest(name: number, simulation: Simulation, nameOf: (ruleText: string) => string): string {
  const { ruleTexts, scrapeSeconds, evaluateSeconds, series, times } = simulation;
  const alerts = [...new Set(ruleTexts.flatMap(alertsIn))];
  return stringify({
    rule_files: ruleTexts.map(nameOf),
    evaluation_interval: `${evaluateSeconds}s`,
    // Without it promtool takes the groups in any order, and alerts may read ratios of the time before.
    group_eval_order: RULES.map((group) => group.name),
    tests: [
      {
        name: String(name),
        interval: `${scrapeSeconds}s`,
        input_series: series,
        alert_rule_test: times.flatMap((eval_time) => alerts.map((alertname) => ({ eval_time, alertname }))),
      },
    ],
  });
}

const alertsIn = (ruleText: string): readonly string[] =>
  (parse(ruleText) as { groups: typeof RULES }).groups
    .flatMap(({ rules }) => rules)
    .flatMap(({ alert }) => alert ?? []);

const GOT =
  / {4}name: (\d+),\n {4}alertname: \w+, time: (\w+), \n {8}exp:\[\], \n {8}got:\[([\s\S]*?)\n {12}\]/g;

/** What promtool got at each time. Throws when it has anything else to say. */
function firedIn(output: string): ReadonlyMap<string, readonly Fired[]> {
  const fired = new Map<string, readonly Fired[]>();
  const rest = output.replaceAll(GOT, (_, test: string, time: Time, got: string) => {
    const alerts = [...got.matchAll(/Labels:(\{.*\})\n +Annotations:(\{.*\})/g)];
    const key = keyOf(test, time);
    fired.set(key, [
      ...(fired.get(key) ?? []),
      ...alerts.map(([, labels = '', annotations = '']) => ({
        labels: labelsIn(labels),
        annotations: labelsIn(annotations),
      })),
    ]);
    return '';
  });
  const unexplained = rest.replaceAll(/^ {2}(?:SUCCESS|FAILED:)$/gm, '').trim();
  if (unexplained !== '' || rest.trim() === '') throw new Error(`promtool failed\n${unexplained}`);
  return fired;
}

/** Labels as Prometheus writes them: the values as Go quotes them, which for what is in ours is as JSON does. */
const labelsIn = (text: string): Labels =>
  Object.fromEntries(
    [...text.matchAll(/(\w+)=("(?:[^"\\]|\\.)*")/g)].map(([, name = '', value = '']) => [
      name,
      JSON.parse(value) as string,
    ]),
  );

/** Labels as promtool reads them. */
export const matchers = (labels: Labels): string =>
  `{${Object.entries(labels)
    .map(([name, value]) => `${name}="${value}"`)
    .join(', ')}}`;
