import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Gauge, Registry } from 'prom-client';
import { expect, it, onTestFinished } from 'vitest';
import { createMonitoring } from '../../src/monitoring/index.ts';
import { waitUntil } from '../support/wait.ts';

/** A server whose metrics take until they are let go. */
async function start(): Promise<{
  url: string;
  readonly begun: number;
  readonly asked: number;
  letGo: () => void;
}> {
  const registry = new Registry();
  const { promise: gate, resolve: letGo } = Promise.withResolvers<undefined>();
  let begun = 0;
  const times = new Gauge({
    name: 'readings',
    help: 'How often this was read',
    registers: [registry],
    async collect() {
      begun += 1;
      times.set(begun);
      await gate;
    },
  });
  const handler = createMonitoring({ registry }).expressHandler();
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    void handler(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get begun() {
      return begun;
    },
    get asked() {
      return asked;
    },
    letGo: () => {
      letGo(undefined);
    },
  };
}

const IDENTITY = { headers: { 'accept-encoding': 'identity' } };
const readings = async (response: Response): Promise<string | undefined> =>
  /^readings (\d+)$/m.exec(await response.text())?.[1];

it('scrapes at a time share the work, and none gets what was begun before it came', async () => {
  const server = await start();
  const first = fetch(server.url, IDENTITY);
  await waitUntil(() => server.begun === 1);
  const later = Array.from({ length: 30 }, (_each, index) => fetch(server.url, index < 20 ? IDENTITY : {}));
  await waitUntil(() => server.asked === 31);
  server.letGo();
  expect(await readings(await first)).toBe('1');
  const read = await Promise.all(later.map(async (each) => readings(await each)));
  // Compressed, the text of the second time is shared by those who came before it began to be compressed.
  expect(new Set(['2', '3', ...read])).toEqual(new Set(['2', '3']));
  expect(server.begun).toBeLessThanOrEqual(3);
});
