import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stopPromtool } from './promtool.ts';
import { play } from './play.ts';
import { plainStage, RULES, shortestFor, type AlertName, type Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios.ts';
import { secondsOf } from './series.ts';

afterAll(stopPromtool);

describe('the alerts', () => {
  let complaints: ReadonlyMap<string, readonly string[]>;

  beforeAll(async () => {
    complaints = await play(SCENARIOS, plainStage(shortestFor(SCENARIOS)));
  }, 1_800_000);

  it.each(SCENARIOS.map(({ name }) => name))('do what they must when %s', (name) => {
    expect(complaints.get(name)?.join('\n')).toBe('');
  });
});

describe('the scenarios', () => {
  const alerts = RULES.flatMap(({ rules }) => rules).flatMap(({ alert, labels }) =>
    alert === undefined ? [] : [{ name: alert as AlertName, severity: labels?.['severity'] ?? '' }],
  );

  it('have names of their own, and name alerts that exist', () => {
    expect(new Set(SCENARIOS.map(({ name }) => name)).size).toBe(SCENARIOS.length);
    const named = SCENARIOS.flatMap(({ about }) => (about === 'every alert' ? [] : about));
    expect(named.filter((about) => alerts.every(({ name }) => name !== about))).toEqual([]);
  });

  it.each(alerts)(
    'show $name $severity not firing, then firing, then over, and near misses',
    ({ name, severity }) => {
      const own = SCENARIOS.filter(({ about }) => about !== 'every alert' && about.includes(name));
      const histories = own.map((scenario) => history(scenario, name, severity));
      expect(
        histories.some((fired) => /^-+\+/.test(fired)),
        'not at once, but then',
      ).toBe(true);
      expect(
        histories.some((fired) => /\+-+$/.test(fired)),
        'over in the end',
      ).toBe(true);
      expect(
        histories.some((fired) => /^-+$/.test(fired)),
        'a near miss',
      ).toBe(true);
    },
  );

  it.each(alerts)('show what $name $severity says', ({ name, severity }) => {
    const texts = SCENARIOS.flatMap(({ fires }) => Object.values(fires).flat()).filter(
      (some) => some.alert === name && some.severity === severity && some.text,
    );
    expect(texts.length).toBeGreaterThan(0);
  });
});

/** Whether an alert fires at the times of a scenario, in order: `--+-`. */
const history = ({ fires }: Scenario, name: AlertName, severity: string): string =>
  Object.entries(fires)
    .sort(([one], [other]) => secondsOf(one) - secondsOf(other))
    .map(([, firing]) =>
      firing.some((some) => some.alert === name && some.severity === severity) ? '+' : '-',
    )
    .join('');
