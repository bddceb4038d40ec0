/** Tests of a tool without a server and without its network: `node --test weather.test.ts` */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callTool } from 'nexus-mcp/testing';
import { temperature } from './weather.ts';

await test('tells the temperature', async ({ mock }) => {
  mock.method(globalThis, 'fetch', () => Promise.resolve(Response.json({ celsius: 21 })));
  const outcome = await callTool(temperature, { station: 'EDDB' });
  assert.partialDeepStrictEqual(outcome, { status: 'success', result: { value: 21 } });
});

await test('says that there is no such station', async ({ mock }) => {
  mock.method(globalThis, 'fetch', () => Promise.resolve(new Response(null, { status: 404 })));
  const outcome = await callTool(temperature, { station: 'NONE' });
  assert.partialDeepStrictEqual(outcome, { reason: 'tool_error', message: 'There is no station NONE.' });
});

await test('is not at fault when the answer of the service breaks off', async ({ mock }) => {
  mock.method(globalThis, 'fetch', () => Promise.resolve(new Response('{"celsius":')));
  const outcome = await callTool(temperature, { station: 'EDDB' });
  assert.partialDeepStrictEqual(outcome, { reason: 'unavailable' });
});

await test('refuses arguments of the wrong type', async () => {
  const outcome = await callTool(temperature, { station: 5 });
  assert.partialDeepStrictEqual(outcome, { reason: 'invalid_arguments' });
});
