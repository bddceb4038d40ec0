import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { Peers } from '../../src/mcp/peers.ts';
import { Seal } from '../../src/mcp/seal.ts';

it('no more than 64 messages are on their way to a replica, however slow it is', async () => {
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const counted: string[] = [];
  const recorder = {
    peerMessage: (_kind: string, outcome: string): void => {
      counted.push(outcome);
    },
  };
  const seal = new Seal([randomBytes(32)], 'peer message', randomBytes);
  const environment = { recorder, randomBytes, now: () => 0, onError: () => undefined };
  const peers = new Peers({ address: undefined, names: [] }, seal, environment);
  const address = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const pass = () => peers.pass('cancellation', { session: 'any', messages: [] }, address);
  const passing = Array.from({ length: 64 }, pass);
  expect(await pass()).toBe('dropped');
  silent.close();
  silent.closeAllConnections();
  expect(new Set(await Promise.all(passing))).toEqual(new Set(['unreachable']));
  // Their places are free again.
  expect(await pass()).toBe('unreachable');
  expect(counted).toHaveLength(66);
});
