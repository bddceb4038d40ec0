import { fileURLToPath } from 'node:url';
import type { Client } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectClient, ERAS } from '../support/clients.ts';
import { startStdio } from '../support/raw-stdio.ts';
import { FIXTURE_TOOLS, startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor, waitUntil } from '../support/wait.ts';

const ASKING_TOOLS = fileURLToPath(new URL('asking-tools.ts', import.meta.url));
const ada = { action: 'accept' as const, content: { name: 'Ada' } };

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    tools: { modules: [ASKING_TOOLS, FIXTURE_TOOLS] },
    limits: { callsPerSecond: 0 },
  });
});
afterAll(() => server.stop());

/** A 2025-era client, and the questions that it was asked and has not answered. */
async function connect(url = server.url) {
  const { client } = await connectClient(url, '2025-11-25', { capabilities: { elicitation: { form: {} } } });
  const questions: { answer: (answer: typeof ada) => void; refuse: (error: Error) => void; gone: boolean }[] =
    [];
  client.setRequestHandler(
    'elicitation/create',
    (_request, { mcpReq }) =>
      new Promise<typeof ada>((answer, refuse) => {
        const question = { answer, refuse, gone: false };
        mcpReq.signal.addEventListener('abort', () => {
          question.gone = true;
        });
        questions.push(question);
      }),
  );
  return { client, questions };
}

/** What the metrics say of a tool: what is in flight, and what has ended, by how. */
async function countsOf(tool: string, of: TestServer = server) {
  const samples = await of.scrape();
  const value = (name: string, labels: Record<string, string> = {}): number =>
    samples.value(name, { tool_name: tool, ...labels }) ?? 0;
  return {
    inFlight: value('mcp_tool_calls_in_flight'),
    success: value('mcp_tool_calls_total', { status: 'success' }),
    ran: value('mcp_tool_duration_seconds_count'),
    errors: Object.fromEntries<number>(
      samples.all
        .filter(({ name, labels }) => name === 'mcp_tool_errors_total' && labels['tool_name'] === tool)
        .filter(({ value: count }) => count > 0)
        .map(({ labels, value: count }) => [labels['reason'] ?? '', count] as const),
    ),
  };
}

const ask = (client: Client, name = 'asks', signal?: AbortSignal) =>
  client.callTool({ name, arguments: {} }, { timeout: 60_000, ...(signal && { signal }) });

describe('a call that asks a 2025-era client', () => {
  it('is one call: in flight until it is answered, and then a success', async () => {
    const before = await countsOf('asks');
    const { client, questions } = await connect();
    const call = ask(client);
    await waitUntil(() => questions.length === 1);
    expect(await countsOf('asks')).toEqual({ ...before, inFlight: before.inFlight + 1 });
    questions[0]?.answer(ada);
    expect(await call).toMatchObject({ content: [{ type: 'text', text: 'Hello Ada, {"asked":1}' }] });
    expect(await countsOf('asks')).toEqual({
      ...before,
      success: before.success + 1,
      ran: before.ran + 1,
    });
    await client.close();
  });

  it('keeps no place from others while it waits', async () => {
    const { client, questions } = await connect();
    const calls = [ask(client, 'asks_alone'), ask(client, 'asks_alone')];
    await waitUntil(() => questions.length === 2);
    for (const { answer } of questions) answer(ada);
    expect(await Promise.all(calls)).toMatchObject([{}, {}]);
    await client.close();
  });

  it('ends as cancelled when its client cancels it', async () => {
    const { client, questions } = await connect();
    const cancel = new AbortController();
    const call = ask(client, 'asks_to_cancel', cancel.signal).catch(() => undefined);
    await waitUntil(() => questions.length === 1);
    cancel.abort();
    await call;
    await waitFor(async () => {
      expect(await countsOf('asks_to_cancel')).toMatchObject({
        inFlight: 0,
        success: 0,
        errors: { cancelled: 1 },
      });
    });
    await client.close();
  });

  it('ends as cancelled when its session does', async () => {
    const { client, questions } = await connect();
    const call = ask(client, 'asks_to_leave').catch(() => undefined);
    await waitUntil(() => questions.length === 1);
    const { transport } = client;
    await (transport as unknown as { terminateSession(): Promise<void> }).terminateSession();
    await waitFor(async () => {
      expect(await countsOf('asks_to_leave')).toMatchObject({ inFlight: 0, errors: { cancelled: 1 } });
    });
    await client.close();
    await call;
  });

  it('fails as a failure of the tool when its client refuses the question', async () => {
    const { client, questions } = await connect();
    const call = ask(client, 'asks_in_vain');
    await waitUntil(() => questions.length === 1);
    questions[0]?.refuse(new Error('secret words of the client'));
    expect(await call).toMatchObject({
      isError: true,
      content: [
        { text: 'The client did not answer what the tool asked it: it refused with the code -32603.' },
      ],
    });
    expect(await countsOf('asks_in_vain')).toMatchObject({
      inFlight: 0,
      success: 0,
      errors: { tool_error: 1 },
    });
    await client.close();
  });

  it('that asks for ever is ended as a fault of the tool', async () => {
    const { client } = await connectClient(server.url, '2025-11-25', {
      capabilities: { elicitation: { form: {} } },
    });
    let asked = 0;
    client.setRequestHandler('elicitation/create', () => {
      asked += 1;
      return ada;
    });
    expect(await ask(client, 'asks_for_ever')).toMatchObject({ isError: true });
    expect(asked).toBe(8);
    expect(await countsOf('asks_for_ever')).toMatchObject({
      inFlight: 0,
      success: 0,
      ran: 1,
      errors: { exception: 1 },
    });
    const line = server.logs.findLast(({ tool }) => tool === 'asks_for_ever');
    expect(JSON.stringify(line)).toContain('still asks its client after 8 answers');
    await client.close();
  });
});

describe.each(ERAS)('a tool that asks its client to go to a URL (%s)', (era) => {
  const callAs = async (elicitation: { form?: object; url?: object }) => {
    const { client } = await connectClient(server.url, era, {
      capabilities: { elicitation: elicitation as Record<string, Record<string, never>> },
    });
    client.setRequestHandler('elicitation/create', () => ({ action: 'accept' as const }));
    const before = await countsOf('asks_by_url');
    const result = await ask(client, 'asks_by_url').catch((error: unknown) => error);
    const { success, errors } = await countsOf('asks_by_url');
    await client.close();
    return {
      result,
      success: success - before.success,
      toolErrors: (errors['tool_error'] ?? 0) - (before.errors['tool_error'] ?? 0),
    };
  };

  it('has a success with one that can, by a call for each round that the client sees', async () => {
    expect(await callAs({ url: {} })).toMatchObject({
      result: { content: [{ text: 'back' }] },
      success: era === '2025-11-25' ? 1 : 2,
      toolErrors: 0,
    });
  });

  it('has failed with one that has forms alone', async () => {
    expect(await callAs({ form: {} })).toMatchObject({ success: 0, toolErrors: 1 });
  });
});

it('over stdio, too, a call that asks is in flight until it is answered or cancelled', async () => {
  const stdio = await startStdio();
  const clientInfo = { name: 'raw', version: '1' };
  const capabilities = { elicitation: { form: {} } };
  const params = { protocolVersion: '2025-11-25', capabilities, clientInfo };
  stdio.send({ id: 1, method: 'initialize', params });
  await waitUntil(() => stdio.messages.length === 1);
  stdio.send({ method: 'notifications/initialized' });
  stdio.send({ id: 2, method: 'tools/call', params: { name: 'asks', arguments: {} } });
  await waitUntil(() => stdio.messages.length === 2);
  const [, question] = stdio.messages;
  expect(question?.method).toBe('elicitation/create');
  const inFlight = (await stdio.scrape()).value('mcp_tool_calls_in_flight', { tool_name: 'asks' });
  expect(inFlight).toBe(1);
  stdio.send({ id: question?.id, result: ada });
  await waitUntil(() => stdio.messages.length === 3);
  expect(stdio.messages[2]).toMatchObject({
    id: 2,
    result: { content: [{ text: 'Hello Ada, {"asked":1}' }] },
  });

  stdio.send({ id: 3, method: 'tools/call', params: { name: 'asks', arguments: {} } });
  await waitUntil(() => stdio.messages.length === 4);
  stdio.send({ method: 'notifications/cancelled', params: { requestId: 3 } });
  await waitUntil(() => stdio.messages.length === 5);
  expect(stdio.messages[4], 'the question is taken back in plain words').toMatchObject({
    method: 'notifications/cancelled',
    params: { requestId: stdio.messages[3]?.id, reason: 'The call was cancelled.' },
  });
});
