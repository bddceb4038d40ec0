import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { pino } from 'pino';
import { trustedCaller } from '../../src/authorization/caller.ts';
import { createMetrics } from '../../src/monitoring/metrics/metrics.ts';
import { Recorder } from '../../src/monitoring/metrics/recorder.ts';
import { Catalogue } from '../../src/tools/catalogue.ts';
import type { ToolContext } from '../../src/tools/tool.ts';
import { PACE, type Pace } from '../../src/upstream/supervisor.ts';
import type { UpstreamSpec } from '../../src/upstream/upstream.ts';
import { Upstreams } from '../../src/upstream/upstreams.ts';
import { callOf } from './call-records.ts';
import { relayEnvironment } from './relay-environment.ts';

/** An upstream, as tests want it. */
export const specOf = (url: string, more: Partial<UpstreamSpec> = {}): UpstreamSpec => ({
  name: 'raw',
  url,
  prefix: '',
  headers: {},
  ca: undefined,
  trustReasons: false,
  tools: { include: ['*'], exclude: [] },
  timeoutSeconds: 3600,
  maxConcurrency: 1,
  ...more,
});

/** Upstreams without a server: a test has their clock in its hands. */
export function loneUpstreams(pace: Partial<Pace>, now = (): number => performance.now() / 1000) {
  const { metrics, registry } = createMetrics({ mostUpstreams: 1 });
  const catalogue = new Catalogue([]);
  const upstreams = new Upstreams({
    hashKey: randomBytes(32),
    catalogue,
    recorder: new Recorder(metrics).upstreams,
    audit: undefined,
    logger: pino({ level: 'silent' }),
    unixTime: () => 0,
    maxTools: 10,
    environment: {
      info: { name: 'test', version: '1' },
      now,
      random: () => 0.5,
      newId: randomUUID,
      pace: { ...PACE, ...pace },
      maxBytes: 4096,
      relay: relayEnvironment(),
    },
  });
  return {
    upstreams,
    catalogue,
    /** What metrics say of upstreams, line by line. */
    series: async (): Promise<readonly string[]> =>
      (await registry.metrics()).split('\n').filter((line) => line.includes('upstream="raw"')),
    /** Calls a tool as the executor does; resolves to what became of it at the upstream. */
    run: (tool = catalogue.get('works'), { signal } = new AbortController()): Promise<unknown> => {
      const context = { signal, answers: {}, state: undefined } as unknown as ToolContext;
      return Promise.resolve(tool?.run({}, context, callOf('works')));
    },
  };
}

/** Serves the relay of an upstream; a refusal is answered with its status and why. */
export async function serveRelay(upstreams: Upstreams) {
  const door = createServer((request, response) => void relayed(request, response));
  async function relayed(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const bytes = await buffer(request);
    const body =
      request.method === 'POST' ? { bytes, value: JSON.parse(bytes.toString()) as unknown } : undefined;
    const sender = { caller: trustedCaller('test'), requestId: 'r', waitSeconds: 0 };
    const refused = await upstreams.relay('raw')?.serve(request, response, { body, ...sender });
    if (refused) response.writeHead(refused.status).end(refused.detail);
  }
  door.listen(0, '127.0.0.1');
  await once(door, 'listening');
  return {
    url: `http://127.0.0.1:${(door.address() as AddressInfo).port}`,
    close: (): void => {
      door.closeAllConnections();
      door.close();
    },
  };
}
