import { beforeEach, describe, expect, it } from 'vitest';
import { parametersSchema } from '../../alerts/source/parameters.ts';
import { reportOf } from '../../src/http/status-page/status.ts';
import type { AuditReport } from '../../src/monitoring/audit/audit.ts';
import { judge } from '../../src/http/status-page/verdict.ts';
import type { ErrorReason } from '../../src/tools/reasons.ts';
import { WatchedCalls } from '../support/watched-calls.ts';

let watched: WatchedCalls;
beforeEach(() => {
  watched = new WatchedCalls(['add', 'wait']);
});

function start(count: number, tool: string): void {
  for (let made = 0; made < count; made += 1) watched.start(tool);
}

function calls(count: number, tool: string, seconds: number, reason?: ErrorReason): void {
  start(count, tool);
  for (let made = 0; made < count; made += 1) watched.end(tool, seconds, reason);
}

const verdict = () =>
  judge({
    state: 'ready',
    uptime_seconds: 3600,
    metrics: 'served',
    activity: watched.activity.report(),
  });

it('warns when calls hang, though nothing is counted of them', () => {
  calls(40, 'add', 0.1);
  start(8, 'wait');
  expect(verdict()).toMatchObject({ level: 'good' });
  watched.time += 90;
  const { level, headline, detail } = verdict();
  expect({ level, headline }).toEqual({ level: 'warn', headline: 'Calls of wait do not end' });
  expect(detail).toMatch(/^8 calls of wait are in flight, and none has ended for 90 s: /);
});

it('warns when more calls are slow than the latency objective allows: which, how many and how slow', () => {
  calls(4, 'wait', 2.6);
  expect(verdict()).toMatchObject({ level: 'good' });
  calls(1, 'wait', 2.6);
  calls(1, 'add', 0.1);
  const { level, headline, detail } = verdict();
  expect({ level, headline }).toEqual({ level: 'warn', headline: 'Slow: wait' });
  expect(detail).toMatch(
    /^5 of 6 calls took longer than 2\.5 s since the start, 5 of them of wait; the latency objective allows 5 %\. One in 20 calls of wait took about 4\.\d s or longer\.$/,
  );
});

it('warns when one tool is slow, whatever the others do to the share of all calls', () => {
  calls(19, 'wait', 9.9);
  calls(1000, 'add', 0.1);
  expect(verdict()).toMatchObject({ level: 'good' });
  calls(1, 'wait', 9.9);
  const { level, headline, detail } = verdict();
  expect({ level, headline }).toEqual({ level: 'warn', headline: 'Slow: wait' });
  expect(detail).toMatch(/^One in 20 calls of wait took about 9\.\d s or longer since the start\.$/);
});

it('names a tool that fails before those that are stuck or slow', () => {
  calls(20, 'wait', 9.9);
  calls(5, 'add', 0.1, 'exception');
  start(1, 'wait');
  watched.time += 90;
  const { detail, ...first } = verdict();
  expect(first).toEqual({ level: 'bad', headline: 'add is failing: exception' });
  expect(detail).toMatch(/ Also: Calls of wait do not end\. Slow: wait\.$/);
});

describe('the event loop', () => {
  const at = (p99: number, utilization: number, seconds = 42) =>
    judge({
      state: 'ready',
      uptime_seconds: 3600,
      metrics: 'served',
      activity: watched.activity.report(),
      event_loop: reportOf({ p99, max: Math.min(p99, 0.9), utilization, seconds }),
    });
  const { eventLoopBlockedSeconds, eventLoopLagSeconds, eventLoopUtilization } = parametersSchema.parse({});

  it('is worth no word where the alerts would not fire, or while the process is young', () => {
    expect(at(eventLoopLagSeconds, eventLoopUtilization)).toMatchObject({ level: 'good' });
    expect(at(9, 1, 20)).toMatchObject({ level: 'good' });
  });

  it.each([
    [eventLoopBlockedSeconds + 0.5, 0.99, 'bad', 'The event loop is blocked'],
    [eventLoopLagSeconds + 0.1, 0.4, 'warn', 'The event loop is late'],
    [0.05, eventLoopUtilization + 0.01, 'warn', 'The event loop has no time left'],
  ] as const)('that is late by %d s and busy by %d is told of', (p99, utilization, level, headline) => {
    const verdict = at(p99, utilization);
    expect(verdict).toMatchObject({ level, headline });
    const share = Math.floor(100 * utilization);
    expect(verdict.detail).toContain(
      `In the last 42 s the event loop was busy ${share} % of the time, and late by ${p99.toFixed(2)} s (99th percentile)`,
    );
  });

  it.each([
    [3600, { level: 'warn', headline: 'The event loop was blocked for 8.0 s' }],
    [43, { level: 'good' }],
  ])(
    'blocked by a few long turns, which the percentile does not see, is told of %d s after the start',
    (uptime, says) => {
      const verdict = judge({
        state: 'ready',
        uptime_seconds: uptime,
        metrics: 'served',
        activity: watched.activity.report(),
        event_loop: reportOf({ p99: 0.015, max: 8.02, utilization: 0.7, seconds: 42 }),
      });
      expect(verdict).toMatchObject(says);
    },
  );

  it('comes before what a blocked one makes of the calls', () => {
    calls(5, 'add', 10, 'timeout');
    const { headline, detail } = at(1.5, 1);
    expect(headline).toBe('The event loop is blocked');
    expect(detail).toMatch(/ Also: add is failing: timeout\. Slow: add\.$/);
  });
});

it('warns when it is not known any more which upstreams there are in Kubernetes', () => {
  const discovery = { upstreams: 2, refused: [], refused_count: 0, why: 'HTTP 403: no' };
  const at = (age_seconds: number) =>
    judge({
      state: 'ready',
      uptime_seconds: 3600,
      metrics: 'served',
      activity: watched.activity.report(),
      discovery: { ...discovery, age_seconds },
    });
  expect(at(299)).toMatchObject({ level: 'good' });
  expect(at(620)).toEqual({
    level: 'warn',
    headline: 'The list of upstreams in Kubernetes is out of date',
    detail:
      'For 10 minutes the Kubernetes API has not listed the upstream Services: HTTP 403: no. The known upstreams stay.',
  });
});

it('says of each failing tool how many of its calls failed and why, the worst first', () => {
  calls(12, 'add', 0.1, 'exception');
  calls(8, 'wait', 5, 'timeout');
  const { headline, detail } = verdict();
  expect(headline).toBe('2 tools are failing: add, wait');
  expect(detail).toMatch(/^12 of 12 calls of add since the start failed .* Of wait: 8 of 8 \(8 timeout\)\./);
});

it('warns when the token file is not in effect, and for how long', () => {
  const status = {
    state: 'ready',
    uptime_seconds: 3600,
    metrics: 'served',
    activity: watched.activity.report(),
  } as const;
  expect(judge({ ...status, token_file: { current: true, stale_seconds: 0 } })).toMatchObject({
    level: 'good',
  });
  expect(judge({ ...status, token_file: { current: false, stale_seconds: 95.2 } })).toEqual({
    level: 'warn',
    headline: 'The token file is not in effect',
    detail:
      'For 95 s the token file has been invalid, so the old tokens stay in effect. The log says what is wrong with it.',
  });
});

it('warns when audit events were lost of late, or cannot be written', () => {
  const at = (audit: AuditReport) =>
    judge({
      state: 'ready',
      uptime_seconds: 3600,
      metrics: 'served',
      activity: watched.activity.report(),
      audit,
    });
  expect(at({ failing: false, lost: 0 })).toMatchObject({ level: 'good' });
  expect(at({ failing: false, lost: 12, last_lost_seconds: 301 })).toMatchObject({ level: 'good' });
  expect(at({ failing: true, lost: 1200, last_lost_seconds: 8.6 })).toEqual({
    level: 'warn',
    headline: 'Audit events are lost',
    detail: '1,200 since the start, the last 8 s ago. The log says what cannot be written.',
  });
  expect(at({ failing: true, lost: 0 })).toMatchObject({ level: 'warn', headline: 'The audit output fails' });
});

it('warns when the keys of an issuer are old, and says what it answers', () => {
  const at = (keys_age_seconds: number, failing_seconds: number) =>
    judge({
      state: 'ready',
      uptime_seconds: 3600,
      metrics: 'served',
      activity: watched.activity.report(),
      issuers: [
        {
          issuer: 'https://idp',
          keys_usable: true,
          keys_age_seconds,
          failing_seconds,
          why: 'it answered 500',
        },
      ],
    });
  expect(at(3600, 3000)).toMatchObject({ level: 'good' });
  expect(at(3601.5, 3001.5)).toEqual({
    level: 'warn',
    headline: 'The keys of https://idp are out of date',
    detail: 'For 3001 s the issuer has not given its keys: it answered 500.',
  });
});
