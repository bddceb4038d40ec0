import { afterAll, beforeAll, expect, it } from 'vitest';
import { BesiegedServer } from './support/besieged-server.ts';
import { randomFrom } from './support/hostile-clients.ts';
import { waitFor } from './support/wait.ts';

/** As many as every run of the tests can afford; `make hostile` sends 20 000. */
const REQUESTS = 250;
const PATIENCE = { timeout: 120_000, interval: 200 };
/** What caches and compiled code may still grow by. */
const GROWTH_BYTES = 30_000_000;

let server: BesiegedServer;
beforeAll(async () => {
  server = await BesiegedServer.start();
});
afterAll(() => server.stop('SIGKILL'));

const quiet = () =>
  waitFor(async () => {
    expect(await server.left()).toEqual({});
  }, PATIENCE);

it(
  'hostile clients of all kinds leave nothing behind, and the server goes on',
  { timeout: 300_000 },
  async () => {
    await server.endure(REQUESTS / 2, randomFrom(1));
    await quiet();
    const before = await server.memory();
    await server.endure(REQUESTS, randomFrom(2));
    await quiet();
    expect(await server.memory()).toBeLessThan(before + GROWTH_BYTES);
    expect(await server.stop()).toBe(0);
  },
);
