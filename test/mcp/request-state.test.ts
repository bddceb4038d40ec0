import { fileURLToPath } from 'node:url';
import type { ServerContext } from '@modelcontextprotocol/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RequestState } from '../../src/mcp/request-state.ts';
import { UsedIds } from '../../src/mcp/used-ids.ts';
import { connectClient } from '../support/clients.ts';
import { FIXTURE_TOOLS, startTestServer, type TestServer } from '../support/test-server.ts';

const DELETION = fileURLToPath(new URL('../../examples/tools/deletion.ts', import.meta.url));
const ASKING_TOOLS = fileURLToPath(new URL('asking-tools.ts', import.meta.url));

let server: TestServer;
let client: Awaited<ReturnType<typeof connectClient>>['client'];
beforeAll(async () => {
  server = await startTestServer({
    tools: { modules: [ASKING_TOOLS, FIXTURE_TOOLS, DELETION] },
    limits: { callsPerSecond: 0 },
    log: { foldSeconds: 0 },
  });
  ({ client } = await connectClient(server.url, '2026-07-28', {
    capabilities: { elicitation: { form: {} } },
  }));
});
afterAll(async () => {
  await client.close();
  await server.stop();
});

const name = 'asks_by_arguments';

/** Calls the tool, and gives the state that it asks for input with. */
async function stateFor(args: Record<string, unknown>): Promise<unknown> {
  const asked = await client.callTool({ name, arguments: args }, { allowInputRequired: true });
  return asked['requestState'];
}

const answer = (requestState: unknown, args: Record<string, unknown>, tool = name) =>
  client.callTool({
    name: tool,
    arguments: args,
    requestState,
    inputResponses: { who: { action: 'accept', content: { name: 'Ada' } } },
  } as Parameters<typeof client.callTool>[0]);

const lastCall = () => server.logs.filter(({ msg }) => msg === 'tool call').at(-1);

const hello = { content: [{ type: 'text', text: 'Hello Ada' }] };

it('a requestState goes with the arguments that it was given for, in whatever order they are written', async () => {
  const args = { which: 'this', more: { a: 1, b: [1, { c: 2, d: 3 }] } };
  const same = { more: { b: [1, { d: 3, c: 2 }], a: 1 }, which: 'this' };
  expect(await answer(await stateFor(args), same)).toMatchObject(hello);
  expect(await answer(await stateFor({}), {})).toMatchObject(hello);
});

it.each([
  ['another value', { which: 'that' }],
  ['none', {}],
  ['more', { which: 'this', more: {} }],
])('a requestState is refused with other arguments: %s', async (_what, others) => {
  await expect(answer(await stateFor({ which: 'this' }), others)).rejects.toThrow(
    'The requestState belongs to a call with other arguments',
  );
});

it('a requestState is refused with another tool', async () => {
  await expect(answer(await stateFor({}), {}, 'asks_in_vain')).rejects.toThrow(
    'The requestState belongs to another tool',
  );
});

it('a requestState is used once, also by two calls at a time', async () => {
  const state = await stateFor({});
  const both = await Promise.allSettled([answer(state, {}), answer(state, {})]);
  expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  await expect(answer(state, {})).rejects.toThrow('The requestState has been used');
});

it.each([
  [
    'of other arguments',
    { which: 'that' },
    'The requestState belongs to a call with other arguments, and is used up now; make the call anew, without it',
  ],
  ['of nobody', {}, 'Invalid or expired requestState'],
])('the log says why a call with a requestState %s is refused', async (_what, args, why) => {
  const state = why.startsWith('Invalid') ? 'made up' : await stateFor({ which: 'this' });
  await expect(answer(state, args)).rejects.toThrow(why);
  expect(lastCall()).toMatchObject({ tool: name, reason: 'invalid_arguments', why });
});

it('the log says of what is no valid call that it is none', async () => {
  await expect(answer('made up', 'no object' as never)).rejects.toThrow();
  const why = 'it is no valid tools/call request';
  expect(lastCall()).toMatchObject({ tool: name, reason: 'invalid_arguments', why });
});

it('a tool that insists on its state does nothing for an answer to a question that it did not ask', async () => {
  const call = (draft: string, requestState?: unknown) =>
    client.callTool(
      {
        name: 'delete_draft',
        arguments: { draft },
        ...(requestState !== undefined && { requestState }),
        inputResponses: { confirm: { action: 'accept', content: { sure: true } } },
      } as Parameters<typeof client.callTool>[0],
      { allowInputRequired: true },
    );
  const { requestState } = await call('spring');
  expect(requestState).toEqual(expect.any(String));
  await expect(call('summer', requestState)).rejects.toThrow('belongs to a call with other arguments');
  await expect(call('spring', requestState)).rejects.toThrow('has been used');
  const asked = await call('spring');
  expect(await call('spring', asked['requestState'])).toMatchObject({
    content: [{ text: 'The draft spring is deleted.' }],
  });
  await expect(call('spring', asked['requestState'])).rejects.toThrow('has been used');
});

it('a requestState of a call that was not tried may be used again', async () => {
  const environment = { newRequestId: () => 'id', now: () => 0 };
  const requestState = new RequestState([new Uint8Array(32)], 60, environment);
  const call = { name };
  const context = { mcpReq: {} } as ServerContext;
  const sealed = await requestState.verify(await requestState.seal(call, 1, context), context);
  const later = { mcpReq: { requestState: () => sealed } } as unknown as ServerContext;
  requestState.open(call, later).giveBack();
  expect(requestState.open(call, later).state).toBe(1);
  expect(() => requestState.open(call, later)).toThrow('has been used');
});

describe('ids that are used once', () => {
  it('are remembered as long as they are worth anything', () => {
    let time = 0;
    const ids = new UsedIds(10, () => time);
    expect([ids.use('a'), ids.use('a')]).toEqual([true, false]);
    time = 9;
    expect([ids.use('a'), ids.use('b')]).toEqual([false, true]);
    time = 11;
    ids.use('c');
    expect(ids.size).toBe(2);
  });

  it('are remembered up to a bound, the newest', () => {
    const ids = new UsedIds(10, () => 0);
    for (let id = 0; id < 20_000; id += 1) ids.use(String(id));
    expect(ids.size).toBeLessThanOrEqual(10_000);
    expect(ids.use('19999')).toBe(false);
  });
});
