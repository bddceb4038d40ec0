/** Tests of a tool without a server: `node --test weather.test.ts` */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure, type ToolContext } from 'nexus-mcp/tools';
import { temperature } from './weather.ts';

const context: ToolContext = {
  signal: AbortSignal.timeout(5000),
  progress: () => undefined,
  log: () => undefined,
  releaseConnection: () => undefined,
  answers: {},
  state: undefined,
  canElicit: false,
};

void test('tells the temperature', async ({ mock }) => {
  mock.method(globalThis, 'fetch', () => Promise.resolve(Response.json({ celsius: 21 })));
  const result = await temperature.handler({ station: 'EDDB' }, context);
  assert.equal(temperature.output?.parse(result), 21);
});

void test('says that there is no such station', async ({ mock }) => {
  mock.method(globalThis, 'fetch', () => Promise.resolve(new Response(null, { status: 404 })));
  const result = await temperature.handler({ station: 'NONE' }, context);
  assert.deepEqual(result, failure('There is no station NONE.'));
});

void test('refuses arguments of the wrong type', () => {
  assert.equal(temperature.input.safeParse({ station: 5 }).success, false);
});
