import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createMetrics } from '../../src/monitoring/metrics/metrics.ts';
import { Recorder } from '../../src/monitoring/metrics/recorder.ts';
import { Catalogue } from '../../src/tools/catalogue.ts';
import type { ToolContext } from '../../src/tools/tool.ts';
import { PACE } from '../../src/upstream/supervisor.ts';
import { Upstreams } from '../../src/upstream/upstreams.ts';
import { callOf } from '../support/call-records.ts';
import { answer, RawUpstream } from '../support/raw-upstream.ts';
import { relayEnvironment } from '../support/relay-environment.ts';
import { waitFor } from '../support/wait.ts';
import { UNHURRIED } from './state-now.ts';

const { metrics, registry } = createMetrics({ mostUpstreams: 1 });
const { signal } = new AbortController();
const context = { signal, answers: {}, state: undefined } as unknown as ToolContext;
const spec = {
  name: 'raw',
  prefix: '',
  headers: {},
  ca: undefined,
  trustReasons: false,
  tools: { include: ['*'], exclude: [] },
  timeoutSeconds: 3600,
  maxConcurrency: 1,
};
const DONE = { content: [{ type: 'text', text: 'done' }] };

let upstream: RawUpstream;
let url: string;
let catalogue: Catalogue;
let upstreams: Upstreams;
/** Lets the call in flight be answered. */
let release: () => void;

const series = async (): Promise<readonly string[]> =>
  (await registry.metrics()).split('\n').filter((line) => line.includes('upstream="raw"'));

const run = (tool = catalogue.get('works')): Promise<unknown> =>
  Promise.resolve(tool?.run({}, context, callOf('works')));

beforeEach(async () => {
  upstream = new RawUpstream();
  url = await upstream.listen();
  upstream.behaviour = {
    'tools/call': (message, response) => {
      release = () => answer(response, message, DONE);
    },
  };
  catalogue = new Catalogue([]);
  upstreams = new Upstreams({
    catalogue,
    recorder: new Recorder(metrics, []).upstreams,
    logger: pino({ level: 'silent' }),
    unixTime: () => 0,
    maxTools: 10,
    environment: {
      info: { name: 'test', version: '1' },
      now: () => performance.now() / 1000,
      random: () => 0.5,
      newId: randomUUID,
      pace: { ...PACE, ...UNHURRIED },
      maxBytes: 4096,
      relay: relayEnvironment(),
    },
  });
  upstreams.want([{ ...spec, url }]);
  await waitFor(() => {
    expect(catalogue.get('works')).toBeDefined();
  });
});

afterEach(async () => {
  await upstreams.stop();
  upstreams.want([]);
  await upstream.close();
});

/** Makes a call that is not answered yet. */
async function callInFlight(): Promise<readonly [Promise<unknown> | undefined]> {
  const call = run();
  await waitFor(() => {
    expect(upstream.count('tools/call')).toBe(1);
  });
  return [call];
}

it('a call in flight ends as it would have when its upstream is removed, and leaves no series', async () => {
  const [call] = await callInFlight();
  const tool = catalogue.get('works');
  expect(await series()).not.toEqual([]);
  upstreams.want([]);
  expect(catalogue.get('works')).toBeUndefined();
  expect(await series()).toEqual([]);
  expect(await run(tool)).toMatchObject({ failure: { reason: 'unavailable' } });
  release();
  expect(await call).toEqual({ result: DONE });
  expect(await series()).toEqual([]);
  expect(upstream.count('tools/call')).toBe(1);
  await waitFor(async () => {
    expect(await upstream.connections()).toBe(0);
  });
});

it('a call in flight ends as it would have when its upstream is replaced', async () => {
  const [call] = await callInFlight();
  upstreams.want([{ ...spec, url, prefix: 'new_' }]);
  await waitFor(() => {
    expect(catalogue.get('new_works')).toBeDefined();
  });
  release();
  expect(await call).toEqual({ result: DONE });
});

it('a call in flight of an upstream that was removed ends with the server', async () => {
  const [call] = await callInFlight();
  upstreams.want([]);
  await upstreams.stop();
  expect(await call).toMatchObject({ failure: { reason: 'unavailable' } });
});
