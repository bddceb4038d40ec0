import { afterEach, describe, expect, it, vi } from 'vitest';
import { time } from '../../../src/tools/builtin/time.ts';
import { callTool, failureOf, valueOf } from '../../support/call-tool.ts';

afterEach(() => {
  vi.useRealTimers();
});

describe('current_timestamp', () => {
  it('returns one moment in three forms, in UTC', async () => {
    vi.useFakeTimers({ now: Date.UTC(2026, 10, 22, 9, 5, 7, 999) });
    expect(await valueOf(time, 'current_timestamp', {})).toEqual({
      iso: '2026-11-22T09:05:07Z',
      unix: 1795338307,
      human_readable: 'Sun, 22 Nov 2026 09:05:07 UTC',
    });
  });
});

describe('unix_to_date', () => {
  it.each([
    [0, '1970-01-01T00:00:00Z'],
    [-1, '1969-12-31T23:59:59Z'],
    [-62_135_596_800, '0001-01-01T00:00:00Z'],
    [253_402_300_799, '9999-12-31T23:59:59Z'],
  ])('converts %d', async (timestamp, iso) => {
    expect(await valueOf(time, 'unix_to_date', { timestamp })).toMatchObject({ unix: timestamp, iso });
  });

  it.each([-62_135_596_801, 253_402_300_800, 1.5, '0'])(
    'refuses %j: out of range (perhaps milliseconds), or no integer',
    async (timestamp) => {
      expect(await callTool(time, 'unix_to_date', { timestamp })).toMatchObject({
        status: 'invalid_arguments',
      });
    },
  );
});

describe('convert_timezone', () => {
  const convert = (date_string: string, from_timezone: string, to_timezone: string) =>
    valueOf(time, 'convert_timezone', { date_string, from_timezone, to_timezone });

  it('returns both sides with their offsets and the difference', async () => {
    expect(await convert('2026-07-01T18:30:15', 'Asia/Kolkata', 'America/New_York')).toEqual({
      original_date: '2026-07-01T18:30:15',
      from_timezone: 'Asia/Kolkata',
      to_timezone: 'America/New_York',
      original_datetime: '2026-07-01 18:30:15 Asia/Kolkata',
      converted_datetime: '2026-07-01 09:00:15 America/New_York',
      original_iso: '2026-07-01T18:30:15+05:30',
      converted_iso: '2026-07-01T09:00:15-04:00',
      utc_offset_from: '+05:30',
      utc_offset_to: '-04:00',
      time_difference: '-09:30',
      dst_resolution: 'exact',
    });
  });

  it.each([
    ['2026-07-01', '2026-07-01T00:00:00Z'],
    ['2026-07-01T08:15', '2026-07-01T08:15:00Z'],
    ['2026-07-01 08:15:30', '2026-07-01T08:15:30Z'],
    ['2024-02-29', '2024-02-29T00:00:00Z'],
    ['1000-01-01', '1000-01-01T00:00:00Z'],
  ])('reads %s', async (date, iso) => {
    expect(await convert(date, 'UTC', 'UTC')).toMatchObject({ converted_iso: iso.replace('Z', '+00:00') });
  });

  it.each([
    ['2026-03-29T02:30', 'Europe/Rome', '2026-03-29T03:30:00+02:00'],
    ['2026-03-08T02:00', 'America/New_York', '2026-03-08T03:00:00-04:00'],
    ['2026-10-04T02:15', 'Australia/Lord_Howe', '2026-10-04T02:45:00+11:00'],
    ['2011-12-30T12:00', 'Pacific/Apia', '2011-12-31T12:00:00+14:00'],
  ])('moves %s, which %s skips, forward by the gap', async (date, zone, original_iso) => {
    expect(await convert(date, zone, 'UTC')).toMatchObject({
      original_iso,
      dst_resolution: 'gap_shifted_forward',
    });
  });

  it.each([
    ['2026-10-25T02:30', 'Europe/Rome', '2026-10-25T02:30:00+02:00'],
    ['2026-11-01T01:00', 'America/New_York', '2026-11-01T01:00:00-04:00'],
    ['2026-04-05T01:45', 'Australia/Lord_Howe', '2026-04-05T01:45:00+11:00'],
  ])('takes the first %s of the two in %s', async (date, zone, original_iso) => {
    expect(await convert(date, zone, 'UTC')).toMatchObject({ original_iso, dst_resolution: 'overlap_first' });
  });

  it.each([
    ['2026-03-29T01:59:59', '+01:00'],
    ['2026-03-29T03:00', '+02:00'],
    ['2026-10-25T01:59:59', '+02:00'],
    ['2026-10-25T03:00', '+01:00'],
  ])('is exact just outside a clock change, at %s', async (date, utc_offset_from) => {
    expect(await convert(date, 'Europe/Rome', 'UTC')).toMatchObject({
      utc_offset_from,
      dst_resolution: 'exact',
    });
  });

  it('handles offsets with seconds of the past', async () => {
    expect(await convert('1960-01-01', 'Africa/Monrovia', 'UTC')).toMatchObject({
      utc_offset_from: '-00:44:30',
      converted_iso: '1960-01-01T00:44:30+00:00',
    });
  });

  it.each([
    '2026-02-30',
    '2026-07-01T25:00',
    '2026-07-01T10:00Z',
    '2026-07-01T10:00+02:00',
    '1 July',
    '',
    '0999-12-31',
    '9999-01-01',
  ])('refuses the date %j', async (date_string) => {
    const args = { date_string, from_timezone: 'UTC', to_timezone: 'UTC' };
    expect(await failureOf(time, 'convert_timezone', args)).toMatch(/date_string/);
  });

  it.each(['Mars/Olympus', '+02:00', '', 'CEST/../etc'])(
    'refuses the zone %j on either side',
    async (zone) => {
      const args = { date_string: '2026-07-01', from_timezone: 'UTC', to_timezone: 'UTC' };
      expect(await failureOf(time, 'convert_timezone', { ...args, from_timezone: zone })).toMatch(
        /^from_timezone/,
      );
      expect(await failureOf(time, 'convert_timezone', { ...args, to_timezone: zone })).toMatch(
        /^to_timezone/,
      );
    },
  );
});
