import { beforeEach, expect, it } from 'vitest';
import { judge } from '../../src/http/status-page/verdict.ts';
import { Activity } from '../../src/monitoring/activity.ts';
import { DURATION_BUCKETS } from '../../src/monitoring/metrics/bounds.ts';
import type { ErrorReason } from '../../src/tools/reasons.ts';
import { recordOf } from '../support/call-records.ts';

let time: number;
let activity: Activity;
beforeEach(() => {
  time = 0;
  activity = new Activity(
    () => [{ name: 'add' }, { name: 'wait' }],
    () => time,
    DURATION_BUCKETS,
  );
});

function start(count: number, tool: string): void {
  for (let made = 0; made < count; made += 1) activity.started(tool);
}

function calls(count: number, tool: string, seconds: number, reason?: ErrorReason): void {
  start(count, tool);
  for (let made = 0; made < count; made += 1) activity.finished(recordOf(tool, seconds, reason));
}

const verdict = () =>
  judge({
    state: 'ready',
    metrics: 'served',
    activity: activity.report(),
  });

it('warns when calls hang, though nothing is counted of them', () => {
  calls(40, 'add', 0.1);
  start(8, 'wait');
  expect(verdict()).toMatchObject({ level: 'good' });
  time += 90;
  const { level, headline, detail } = verdict();
  expect({ level, headline }).toEqual({ level: 'warn', headline: 'Calls do not end: wait' });
  expect(detail).toMatch(/^8 calls of wait are in flight, and none has ended for 90 s: /);
});

it('warns when calls take too long, also when a few others failed', () => {
  calls(19, 'wait', 9.9);
  expect(verdict()).toMatchObject({ level: 'good' });
  calls(1, 'wait', 9.9);
  calls(1, 'add', 0.1, 'exception');
  const { level, headline, detail } = verdict();
  expect({ level, headline }).toEqual({ level: 'warn', headline: 'Slow: wait' });
  expect(detail).toMatch(/^One in 20 calls of wait took about 9\.\d s or longer since the start\.$/);
});

it('names a tool that fails before those that are stuck or slow', () => {
  calls(20, 'wait', 9.9);
  calls(5, 'add', 0.1, 'exception');
  start(1, 'wait');
  time += 90;
  expect(verdict()).toMatchObject({ level: 'bad', headline: 'add is failing: exception' });
});

it('warns when it is not known any more which upstreams there are in Kubernetes', () => {
  const discovery = { upstreams: 2, refused: [], refused_count: 0, why: 'HTTP 403: no' };
  const at = (age_seconds: number) =>
    judge({
      state: 'ready',
      metrics: 'served',
      activity: activity.report(),
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
