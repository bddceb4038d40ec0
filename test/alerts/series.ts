/** Times as promtool writes them: `90s`, `1h`, `2d12h`. */
export type Time = string;

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** Seconds of a time; throws on what is none. */
export function secondsOf(time: Time): number {
  if (!/^(\d+[smhdw])+$/.test(time)) throw new Error(`not a time: ${time}`);
  return [...time.matchAll(/(\d+)([smhdw])/g)].reduce(
    (sum, [, count, unit = '']) => sum + Number(count) * (UNIT_SECONDS[unit] ?? 0),
    0,
  );
}

/** When a target is scraped: at 0 and then every so many seconds, so many times. */
export interface Grid {
  readonly scrapeSeconds: number;
  readonly samples: number;
}

/** What a scrape found: a number, nothing, or that the series has ended. */
export type Sample = number | '_' | 'stale';

/** The samples of a series. */
export type Values = (grid: Grid) => readonly Sample[];

/** The last phase has no end. */
interface Ending {
  readonly until?: Time;
}

function phaseAt<P extends Ending>(phases: readonly P[], seconds: number): P {
  const phase = phases.find(({ until }) => until === undefined || seconds < secondsOf(until));
  if (!phase) throw new Error('the last phase must not end');
  return phase;
}

const times = ({ samples, scrapeSeconds }: Grid): readonly number[] =>
  Array.from({ length: samples }, (_, index) => index * scrapeSeconds);

/** A gauge that has one value after the other. */
export const gauge =
  (...phases: readonly (Ending & { readonly is: number })[]): Values =>
  (grid) =>
    times(grid).map((seconds) => phaseAt(phases, seconds).is);

/** A counter that starts at 0 and grows at one speed after the other. */
export const counter =
  (...phases: readonly (Ending & { readonly perSecond: number })[]): Values =>
  (grid) => {
    let total = 0;
    return times(grid).map((seconds) => {
      const before = total;
      total += phaseAt(phases, seconds).perSecond * grid.scrapeSeconds;
      return round(before);
    });
  };

/** A counter that grows at a time by so much, and never else. */
export const once =
  (at: Time, count = 1): Values =>
  (grid) =>
    times(grid).map((seconds) => (seconds > secondsOf(at) ? count : 0));

export const sum =
  (...parts: readonly Values[]): Values =>
  (grid) => {
    const columns = parts.map((part) => part(grid));
    return times(grid).map((_, index) =>
      round(columns.reduce((total, column) => total + Number(column[index]), 0)),
    );
  };

/** Without the noise of binary fractions. */
export const round = (value: number): number => Number(value.toPrecision(12));

export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly kind: 'counter' | 'gauge';
  readonly values: Values;
  /** Whether there is none of a counter before something is counted. */
  readonly onUse?: true;
}

/**
 * promtool's notation: runs of equal steps as `start+step x count`. A run begins with what promtool has added up to: a
 * counter that went down by a binary fraction would be taken for one that began again.
 */
export function notation(samples: readonly Sample[]): string {
  const runs: string[] = [];
  let reached = NaN;
  for (let index = 0; index < samples.length;) {
    const sample = samples[index] ?? '_';
    const start = typeof sample === 'number' && isNear(sample, reached) ? reached : sample;
    const step = stepAfter(samples, index);
    let last = index;
    while (last + 1 < samples.length && isNext(samples[last], samples[last + 1], step)) last += 1;
    const count = last - index;
    if (typeof start === 'number') {
      reached = start;
      for (let added = 0; added < count; added += 1) reached += step;
      const sign = step < 0 ? '-' : '+';
      runs.push(count === 0 ? String(start) : `${start}${sign}${Math.abs(step)}x${count}`);
    } else if (start === '_') runs.push(`_x${count + 1}`);
    else runs.push('stale');
    index = last + 1;
  }
  return runs.join(' ');
}

function stepAfter(samples: readonly Sample[], index: number): number {
  const [start, next] = [samples[index], samples[index + 1]];
  return typeof start === 'number' && typeof next === 'number' ? round(next - start) : 0;
}

function isNext(sample: Sample | undefined, next: Sample | undefined, step: number): boolean {
  if (typeof sample === 'number' && typeof next === 'number') return isNear(sample + step, next);
  return sample === '_' && next === '_';
}

const isNear = (one: number, other: number): boolean =>
  Math.abs(one - other) < 1e-9 * Math.max(1, Math.abs(other));

/** A series that is called otherwise from a time on. */
export function renamed(series: Series, at: Time, labels: Series['labels']): readonly Series[] {
  const cut =
    (pick: (sample: Sample, index: number, first: number) => Sample): Values =>
    (grid) => {
      const first = Math.ceil(secondsOf(at) / grid.scrapeSeconds);
      return series.values(grid).map((sample, index) => pick(sample, index, first));
    };
  const before = cut((sample, index, first) => (index < first ? sample : index === first ? 'stale' : '_'));
  const after = cut((sample, index, first) => (index < first ? '_' : sample));
  return [
    { ...series, values: before },
    { ...series, labels, values: after },
  ];
}
