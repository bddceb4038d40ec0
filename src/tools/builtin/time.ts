import { z } from 'zod';
import { failure } from '../result.ts';
import { defineTool, type Toolset } from '../tool.ts';
import { fresh, pure } from './annotations.ts';
import { boundedText } from './bounded-text.ts';
import { clockOf, formatOffset, parseWallTime, resolveWallTime, type Zoned } from './time/zoned.ts';

/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z: the years that ISO 8601 writes with four digits. */
const UNIX_RANGE = { min: -62_135_596_800, max: 253_402_300_799 };

const moment = z.strictObject({
  iso: z.string().describe('ISO 8601 in UTC.'),
  unix: z.int().describe('Seconds since 1970-01-01T00:00:00Z.'),
  human_readable: z.string().describe('Weekday, date and time in UTC.'),
});

function describeMoment(unix: number): z.infer<typeof moment> {
  const date = new Date(unix * 1000);
  return {
    iso: date.toISOString().replace('.000Z', 'Z'),
    unix,
    human_readable: date.toUTCString().replace('GMT', 'UTC'),
  };
}

const currentTimestamp = defineTool({
  name: 'current_timestamp',
  title: 'Current time',
  description: 'Returns the current time in UTC: ISO 8601, Unix seconds and a readable form.',
  input: z.strictObject({}),
  output: moment,
  annotations: fresh,
  handler: () => describeMoment(Math.floor(Date.now() / 1000)),
});

const unixToDate = defineTool({
  name: 'unix_to_date',
  title: 'Unix time to date',
  description:
    'Converts Unix time in seconds (not milliseconds) to a UTC date: ISO 8601 and a readable form. Years 1 to 9999.',
  input: z.strictObject({
    timestamp: z
      .int()
      .min(UNIX_RANGE.min)
      .max(UNIX_RANGE.max)
      .describe(`Whole seconds since 1970-01-01T00:00:00Z, from ${UNIX_RANGE.min} to ${UNIX_RANGE.max}.`),
  }),
  output: moment,
  annotations: pure,
  handler: ({ timestamp }) => describeMoment(timestamp),
});

const zone = (role: string) =>
  boundedText(`${role}: an IANA name such as Europe/Rome, America/New_York or UTC.`, 64);

const localIso = ({ wall }: Zoned) => wall.toISOString().slice(0, 19);
const zonedIso = (zoned: Zoned) => localIso(zoned) + formatOffset(zoned.offsetSeconds);
const readable = (zoned: Zoned, timeZone: string) => `${localIso(zoned).replace('T', ' ')} ${timeZone}`;

const convertTimezone = defineTool({
  name: 'convert_timezone',
  title: 'Convert between time zones',
  description:
    'Converts a local date and time from one IANA time zone to another. A time skipped by a clock change moves ' +
    'forward by the gap; of a time that occurs twice the first counts; dst_resolution says which applied. Years 1000 to 9998.',
  input: z.strictObject({
    date_string: boundedText(
      'The local time in from_timezone: "YYYY-MM-DD", "YYYY-MM-DDTHH:MM" or "YYYY-MM-DDTHH:MM:SS" (or a space for T), ' +
        'without an offset; a date alone means midnight.',
      32,
    ),
    from_timezone: zone('The zone of date_string'),
    to_timezone: zone('The zone to convert to'),
  }),
  output: z.strictObject({
    original_date: z.string().describe('The date_string as given.'),
    from_timezone: z.string(),
    to_timezone: z.string(),
    original_datetime: z.string(),
    converted_datetime: z.string(),
    original_iso: z.string(),
    converted_iso: z.string(),
    utc_offset_from: z.string(),
    utc_offset_to: z.string(),
    time_difference: z
      .string()
      .describe('How far to_timezone is ahead (+) or behind (-) at that moment, in hours and minutes.'),
    dst_resolution: z
      .enum(['exact', 'gap_shifted_forward', 'overlap_first'])
      .describe('Whether the time occurs once, is skipped by a clock change, or occurs twice.'),
  }),
  annotations: pure,
  handler({ date_string, from_timezone, to_timezone }) {
    const from = clockOf(from_timezone);
    if (!from)
      return failure('from_timezone is not an IANA time zone. Use a name such as Europe/Rome or UTC.');
    const to = clockOf(to_timezone);
    if (!to) return failure('to_timezone is not an IANA time zone. Use a name such as Europe/Rome or UTC.');
    const wall = parseWallTime(date_string);
    if (!wall || wall.getUTCFullYear() < 1000 || wall.getUTCFullYear() > 9998) {
      return failure(
        'date_string is not a local date and time of the years 1000 to 9998. Write it like 2026-03-29T14:30:00, ' +
          'without "Z" or an offset; 2026-03-29 means midnight.',
      );
    }
    const original = resolveWallTime(wall, from);
    const converted = to(original.instant);
    return {
      original_date: date_string,
      from_timezone,
      to_timezone,
      original_datetime: readable(original, from_timezone),
      converted_datetime: readable(converted, to_timezone),
      original_iso: zonedIso(original),
      converted_iso: zonedIso(converted),
      utc_offset_from: formatOffset(original.offsetSeconds),
      utc_offset_to: formatOffset(converted.offsetSeconds),
      time_difference: formatOffset(converted.offsetSeconds - original.offsetSeconds),
      dst_resolution: original.resolution,
    };
  },
});

/** The clock, Unix time and time zones. */
export const time: Toolset = {
  name: 'time',
  source: 'builtin',
  moduleUrl: import.meta.url,
  tools: [currentTimestamp, unixToDate, convertTimezone],
};
