import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const LOSSY_TOOLS = fileURLToPath(new URL('lossy-tools.ts', import.meta.url));

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ tools: { modules: [LOSSY_TOOLS] } });
});
afterAll(() => server.stop());

describe('a result of which JSON would lose something', () => {
  it.each([
    ['an_error', /an Error is not JSON/],
    ['a_map', /ports: a Map is not JSON/],
    ['a_set', /0: a Set is not JSON/],
    ['a_promise_inside', /later: a Promise is not JSON/],
    ['a_function', /run: a function is not JSON/],
    ['a_symbol', /0: a symbol is not JSON/],
    ['not_a_number', /ratio: NaN is not JSON/],
    ['a_bigint', /count: a bigint is not JSON/],
  ])('is a fault of its tool, and the log says which part: %s', async (tool, says) => {
    const { body } = await server.execute(tool);
    expect(body).toMatchObject({ reason: 'exception' });
    const line = server.logs.findLast((entry) => entry['tool'] === tool);
    expect((line?.['err'] as { message: string }).message).toMatch(says);
  });

  it.each([
    ['a_date', { at: '1970-01-01T00:00:00.000Z' }],
    ['an_instance', { point: { x: 1 } }],
    ['an_empty_object', { empty: {}, bare: {} }],
    ['an_optional_field', { there: 1 }],
  ])('is none where JSON loses nothing: %s', async (tool, result) => {
    expect((await server.execute(tool)).body).toMatchObject({ status: 'success', result });
  });
});
