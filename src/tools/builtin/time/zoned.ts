/** A wall-clock time, held as the UTC instant that reads the same. */
export type WallTime = Date;

/** How a wall-clock time that a change of offset made ambiguous or skipped was understood. */
export type Resolution = 'exact' | 'gap_shifted_forward' | 'overlap_first';

/** An instant as a zone's clocks show it. */
export interface Zoned {
  readonly instant: Date;
  readonly wall: WallTime;
  readonly offsetSeconds: number;
}

const DAY_MS = 86_400_000;
const LOCAL_DATE_TIME = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(:\d{2})?)?$/;

/** Reads `YYYY-MM-DD`, optionally with `HH:MM` or `HH:MM:SS`; `undefined` when it is no such date or time. */
export function parseWallTime(text: string): WallTime | undefined {
  const [, date, time = '00:00', seconds = ':00'] = LOCAL_DATE_TIME.exec(text) ?? [];
  if (date === undefined) return undefined;
  const iso = `${date}T${time}${seconds}.000Z`;
  const wall = new Date(iso);
  // The engine carries February 30 over into March: a date is real when it reads back the same.
  return !Number.isNaN(wall.getTime()) && wall.toISOString() === iso ? wall : undefined;
}

/** A clock of one IANA zone; `undefined` for a name that the time zone database does not have. */
export function clockOf(timeZone: string): ((instant: Date) => Zoned) | undefined {
  // Intl also takes offsets such as +02:00, which are not zones.
  if (!/^[A-Za-z]/.test(timeZone)) return undefined;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    return undefined;
  }
  return (instant) => {
    const parts = new Map(format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]));
    const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? NaN;
    const wall = Date.UTC(
      part('year'),
      part('month') - 1,
      part('day'),
      part('hour'),
      part('minute'),
      part('second'),
    );
    return { instant, wall: new Date(wall), offsetSeconds: (wall - instant.getTime()) / 1000 };
  };
}

/**
 * Finds the instant of a wall-clock time. A time that clocks skip moves forward by the length of the gap; of a
 * time that clocks show twice, the first counts (RFC 5545, section 3.3.5).
 */
export function resolveWallTime(
  wall: WallTime,
  clock: (instant: Date) => Zoned,
): Zoned & { readonly resolution: Resolution } {
  const offsetAround = (ms: number) => clock(new Date(wall.getTime() + ms)).offsetSeconds;
  const atOffset = (seconds: number) => clock(new Date(wall.getTime() - seconds * 1000));
  // No offset reaches 24 hours, so these two are the offsets before and after any change nearby.
  const [before, after] = [offsetAround(-DAY_MS), offsetAround(DAY_MS)];
  const [first, second] = [atOffset(before), atOffset(after)];
  const firstReads = first.offsetSeconds === before;
  const secondReads = second.offsetSeconds === after;
  if (firstReads)
    return { ...first, resolution: secondReads && before !== after ? 'overlap_first' : 'exact' };
  return secondReads ? { ...second, resolution: 'exact' } : { ...first, resolution: 'gap_shifted_forward' };
}

/** An offset as ISO 8601 writes it: `+05:30`, with seconds only where a historic zone has them. */
export function formatOffset(offsetSeconds: number): string {
  const size = Math.abs(offsetSeconds);
  const fields = [Math.floor(size / 3600), Math.floor(size / 60) % 60];
  if (size % 60 !== 0) fields.push(size % 60);
  return (offsetSeconds < 0 ? '-' : '+') + fields.map((field) => String(field).padStart(2, '0')).join(':');
}
