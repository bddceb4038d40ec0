import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Gauge, Registry } from 'prom-client';
import { expect, it, onTestFinished } from 'vitest';
import { createMonitoring } from '../../src/monitoring/index.ts';
import { waitUntil } from '../support/wait.ts';

/** A server whose metrics take until they are let go. */
async function start(): Promise<{ url: string; readonly begun: number; letGo: () => void }> {
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
  const server = createServer((request, response) => void handler(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get begun() {
      return begun;
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
  const later = Array.from({ length: 8 }, (_each, index) => fetch(server.url, index < 4 ? IDENTITY : {}));
  const refused = await Promise.race(later);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
  expect(await refused.text()).toBe('There are 8 scrapes at a time already; try again\n');
  server.letGo();
  expect(await readings(await first)).toBe('1');
  const served = (await Promise.all(later)).filter((each) => each !== refused);
  const read = await Promise.all(served.map(readings));
  expect(read).toHaveLength(7);
  // Compressed, the text of the second time is shared by those who came before it began to be compressed.
  expect(new Set(['2', '3', ...read])).toEqual(new Set(['2', '3']));
  expect(server.begun).toBeLessThanOrEqual(3);
});
