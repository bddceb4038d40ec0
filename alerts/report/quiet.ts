import { simulate } from './promtool.ts';
import { Random } from './random.ts';
import { needsDays } from './rules.ts';
import { QUIET, Service } from './service.ts';

const MINUTES_A_DAY = 1440;

/** Pages and most tickets look back 6 hours at most: each day is played with the evening before it. */
export const DAILY = { runUpMinutes: 8 * 60, everyMinutes: 1 } as const;

/** What looks back days is played through all days at once. */
export const MONTHLY = { runUpMinutes: 0, everyMinutes: 5 } as const;

/** An alert, and how often it began to fire. */
export interface Count {
  readonly alert: string;
  readonly severity: string;
  readonly times: number;
}

/** Counts what alerts in healthy days, of the alerts that look back hours; each day is a namespace. */
export async function countInDays(days: readonly number[], seed: string): Promise<readonly Count[]> {
  const { runUpMinutes } = DAILY;
  const counts = await count({
    services: days.map((day) => play(`day-${day}`, [day - 1, day], MINUTES_A_DAY - runUpMinutes, 1, seed)),
    fromMinute: runUpMinutes,
    toMinute: runUpMinutes + MINUTES_A_DAY,
    everyMinutes: DAILY.everyMinutes,
  });
  return counts.filter((found) => !needsDays(found));
}

/** Counts what alerts in healthy days, of the alerts that look back days. */
export async function countInMonth(days: number, seed: string): Promise<readonly Count[]> {
  const { everyMinutes } = MONTHLY;
  const counts = await count({
    services: [play('month', [...Array(days).keys()], 0, everyMinutes, seed)],
    fromMinute: 0,
    toMinute: days * MINUTES_A_DAY,
    everyMinutes,
  });
  return counts.filter(needsDays);
}

/** One count for each alert and severity. */
export function addUp(counts: readonly Count[]): readonly Count[] {
  const groups = Map.groupBy(counts, ({ alert, severity }) => `${alert}/${severity}`);
  return [...groups.values()].flatMap((group) => {
    const [found] = group;
    return found ? [{ ...found, times: group.reduce((sum, { times }) => sum + times, 0) }] : [];
  });
}

async function count(played: {
  readonly services: readonly Service[];
  readonly fromMinute: number;
  readonly toMinute: number;
  readonly everyMinutes: number;
}): Promise<readonly Count[]> {
  const firing = 'ALERTS{alertstate="firing"}';
  const results = await simulate({
    stepSeconds: played.everyMinutes * 60,
    series: played.services.flatMap((service) => [...service.inputSeries()]),
    query: (range) =>
      `sum by (alertname, severity) (count_over_time((${firing} unless ${firing} offset ${played.everyMinutes}m)[${range}]))`,
    fromSeconds: played.fromMinute * 60,
    toSeconds: (played.toMinute - played.everyMinutes) * 60,
  });
  return addUp(
    results.map(({ labels: { alertname: alert = '', severity = '' }, value: times }) => ({
      alert,
      severity,
      times,
    })),
  );
}

/** Plays days of a service; a day is the same in whatever run it is played. */
function play(
  namespace: string,
  days: readonly number[],
  firstScrape: number,
  everyMinutes: number,
  seed: string,
): Service {
  const service = new Service(namespace);
  const lost = new Random(`${seed}/${namespace}/lost scrapes`);
  let passed = 0;
  for (const day of days) {
    const random = new Random(`${seed}/${day}`);
    const deployAt = random.between(9 * 60, 17 * 60);
    const failureAt = random.between(60, 5 * 60);
    for (let minute = 0; minute < MINUTES_A_DAY; minute++, passed++) {
      const pod = (minute - deployAt) / QUIET.deployGapMinutes;
      // Half of the deploys replace the pods, half restart the processes where they are.
      if (pod === 0 || pod === 1) service.deploy(pod, day % 2 === 0 ? 'replace' : 'restart', random);
      if (minute === failureAt) service.fail(day % 7 === 6 ? QUIET.retries : 1);
      service.pass(callsPerSecond(minute) / QUIET.peakCallsPerSecond, random);
      if (passed >= firstScrape && passed % everyMinutes === 0)
        service.scrape(QUIET.lostScrapesADay / MINUTES_A_DAY, lost);
    }
  }
  return service;
}

/** The calls a second at a minute of the day: single ones from 22 to 6, most at 14 o'clock. */
function callsPerSecond(minute: number): number {
  const hour = minute / 60;
  const wave = hour < 6 || hour >= 22 ? 0 : Math.sin((Math.PI * (hour - 6)) / 16) ** 2;
  return QUIET.nightCallsPerHour / 3600 + QUIET.peakCallsPerSecond * wave;
}
