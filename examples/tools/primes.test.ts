/** Tests of a tool that runs in a worker thread: `node --test primes.test.ts` */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callTool } from 'nexus-mcp/testing';
import { countPrimes } from './primes.ts';

const moduleUrl = import.meta.resolve('./primes.ts');

await test('counts in a thread', async () => {
  const outcome = await callTool(countPrimes, { limit: 100 }, { moduleUrl });
  assert.partialDeepStrictEqual(outcome, { status: 'success', result: { value: 25 } });
});

await test('is ended by its deadline', async () => {
  const outcome = await callTool(countPrimes, { limit: 1_000_000_000 }, { moduleUrl, timeoutSeconds: 0.1 });
  assert.partialDeepStrictEqual(outcome, { reason: 'timeout' });
});
