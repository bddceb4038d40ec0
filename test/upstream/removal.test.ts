import { pino } from 'pino';
import { expect, it } from 'vitest';
import { createMetrics } from '../../src/monitoring/metrics/metrics.ts';
import { Recorder } from '../../src/monitoring/metrics/recorder.ts';
import { Catalogue } from '../../src/tools/catalogue.ts';
import type { ToolContext } from '../../src/tools/tool.ts';
import { PACE } from '../../src/upstream/supervisor.ts';
import { Upstreams } from '../../src/upstream/upstreams.ts';
import { callOf } from '../support/call-records.ts';
import { RawUpstream } from '../support/raw-upstream.ts';
import { relayEnvironment } from '../support/relay-environment.ts';
import { waitFor } from '../support/wait.ts';
import { UNHURRIED } from './state-now.ts';

it('no series of an upstream that was removed come back with the end of a call', async () => {
  const upstream = new RawUpstream();
  const url = await upstream.listen();
  upstream.behaviour = { 'tools/call': () => undefined };
  const { metrics, registry } = createMetrics({ mostUpstreams: 1 });
  const recorder = new Recorder(metrics, []);
  const catalogue = new Catalogue([]);
  const upstreams = new Upstreams({
    catalogue,
    recorder: recorder.upstreams,
    logger: pino({ level: 'silent' }),
    unixTime: () => 0,
    maxTools: 10,
    environment: {
      info: { name: 'test', version: '1' },
      now: () => performance.now() / 1000,
      random: () => 0.5,
      pace: { ...PACE, ...UNHURRIED },
      maxBytes: 4096,
      relay: relayEnvironment(),
    },
  });
  const spec = { name: 'raw', url, prefix: '', headers: {}, ca: undefined, trustReasons: false };
  const tools = { include: ['*'], exclude: [] };
  upstreams.want([{ ...spec, tools, timeoutSeconds: 3600, maxConcurrency: 1 }]);
  await waitFor(() => {
    expect(catalogue.get('works')).toBeDefined();
  });
  const { signal } = new AbortController();
  const context = { signal, answers: {}, state: undefined } as unknown as ToolContext;
  const call = catalogue.get('works')?.run({}, context, callOf('works'));
  await waitFor(() => {
    expect(upstream.count('tools/call')).toBe(1);
  });
  const series = async (): Promise<readonly string[]> =>
    (await registry.metrics()).split('\n').filter((line) => line.includes('upstream="raw"'));
  expect(await series()).not.toEqual([]);
  upstreams.want([]);
  expect(await series()).toEqual([]);
  expect(await call).toMatchObject({ failure: { reason: 'unavailable' } });
  expect(await series()).toEqual([]);
  await upstream.close();
});
