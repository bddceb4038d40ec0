import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as V1StdioTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compiled } from '../support/compile-cache.ts';
import { connectClient, connectV1Client, ERAS } from '../support/clients.ts';
import { FIXTURE_TOOLS, startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';

const add = { name: 'add', arguments: { a: 5, b: 3 } };
const stdio = {
  command: process.execPath,
  args: [
    fileURLToPath(new URL('../../src/main.ts', import.meta.url)),
    'stdio',
    '--tools.modules',
    FIXTURE_TOOLS,
    '--tools.enabled',
    'add,fails',
  ],
  env: compiled(),
  stderr: 'pipe' as const,
};

let server: TestServer;
beforeAll(async () => {
  const enabled = ['add', 'asks', 'counts', 'isolated', 'slow'];
  server = await startTestServer({ tools: { enabled } });
});
afterAll(() => server.stop());

const callsOfAdd = async (): Promise<number> =>
  (await server.scrape()).value('mcp_tool_calls_total', { tool_name: 'add', status: 'success' }) ?? 0;

describe.each(ERAS)('the v2 client in %s', (era) => {
  it('lists tools with their schemas, calls one, and is counted once', async () => {
    const { client } = await connectClient(server.url, era);
    const before = await callsOfAdd();
    const { tools } = await client.listTools();
    expect(tools.find(({ name }) => name === 'add')).toMatchObject({
      title: 'Add',
      inputSchema: { type: 'object', additionalProperties: false, required: ['a', 'b'] },
      annotations: { readOnlyHint: true, idempotentHint: true, openWorldHint: false },
    });
    const result = await client.callTool(add);
    expect(result.content).toEqual([{ type: 'text', text: '8' }]);
    // The 2025 era knows only objects as structured content (SEP-2106 widened it).
    expect(result.structuredContent).toEqual(era === '2026-07-28' ? 8 : { result: 8 });
    expect(await callsOfAdd()).toBe(before + 1);
    await client.close();
  });

  it('receives progress of a call', async () => {
    const { client } = await connectClient(server.url, era);
    const seen: unknown[] = [];
    const onprogress = (progress: unknown): void => void seen.push(progress);
    await client.callTool({ name: 'counts', arguments: {} }, { onprogress });
    expect(seen).toEqual([1, 2, 3].map((step) => ({ progress: step, total: 3, message: `step ${step}` })));
    await client.close();
  });

  it('receives progress from a worker thread', async () => {
    const { client } = await connectClient(server.url, era);
    const seen: unknown[] = [];
    const onprogress = (progress: unknown): void => void seen.push(progress);
    const result = await client.callTool(
      { name: 'isolated', arguments: { what: 'progress' } },
      { onprogress },
    );
    expect(result.content).toEqual([{ type: 'text', text: 'progress' }]);
    expect(seen).toEqual([{ progress: 1, total: 2, message: 'half way' }]);
    await client.close();
  });

  it('is asked for input and the tool goes on with the answer and its own state', async () => {
    const { client } = await connectClient(server.url, era, { capabilities: { elicitation: {} } });
    client.setRequestHandler('elicitation/create', ({ params }) => {
      expect(params.message).toBe('Who are you?');
      return { action: 'accept', content: { name: 'Ada' } };
    });
    const result = await client.callTool({ name: 'asks', arguments: {} });
    expect(result.content).toEqual([{ type: 'text', text: 'Hello Ada, {"asked":1}' }]);
    await client.close();
  });
});

describe('a client that cannot be asked', () => {
  it('gets an error in the 2025 era, counted as tool_error', async () => {
    const { client } = await connectClient(server.url, '2025-11-25');
    const before = (await server.scrape()).value('mcp_tool_errors_total', {
      tool_name: 'asks',
      reason: 'tool_error',
    });
    const result = await client.callTool({ name: 'asks', arguments: {} });
    expect(result.isError).toBe(true);
    const after = (await server.scrape()).value('mcp_tool_errors_total', {
      tool_name: 'asks',
      reason: 'tool_error',
    });
    expect(after).toBe((before ?? 0) + 1);
    await client.close();
  });

  it('gets the missing-capability error of 2026-07-28', async () => {
    const { client } = await connectClient(server.url, '2026-07-28');
    await expect(client.callTool({ name: 'asks', arguments: {} })).rejects.toMatchObject({ code: -32021 });
    await client.close();
  });
});

describe('the v1 client', () => {
  it('calls a tool over HTTP in a session', async () => {
    const { client, transport } = await connectV1Client(server.url);
    expect(transport.sessionId).toMatch(/^1\.[\w-]{6}\.[\w-]+$/);
    const before = await callsOfAdd();
    expect((await client.callTool(add)).content).toEqual([{ type: 'text', text: '8' }]);
    expect(await callsOfAdd()).toBe(before + 1);
    await transport.terminateSession();
    await client.close();
  });

  it('calls a tool over stdio, where stdout carries nothing but the protocol', async () => {
    const client = new V1Client({ name: 'v1', version: '1' });
    const transport = new V1StdioTransport(stdio);
    const problems: Error[] = [];
    client.onerror = (error) => problems.push(error);
    await client.connect(transport);
    expect((await client.callTool(add)).content).toEqual([{ type: 'text', text: '8' }]);
    expect((await client.callTool({ name: 'fails' })).isError).toBe(true);
    expect(problems).toEqual([]);
    await client.close();
  });
});

describe('the v2 client over stdio', () => {
  it.each(['auto', 'legacy'] as const)('calls a tool (%s)', async (mode) => {
    const client = new Client({ name: 'v2', version: '1' }, { versionNegotiation: { mode } });
    await client.connect(new StdioClientTransport(stdio));
    expect((await client.callTool(add)).content).toEqual([{ type: 'text', text: '8' }]);
    await client.close();
  });
});

describe('a client that goes away mid-call', () => {
  const inFlight = async (count: number): Promise<void> => {
    await waitFor(async () => {
      expect((await server.scrape()).value('mcp_tool_calls_in_flight', { tool_name: 'slow' })).toBe(count);
    });
  };

  it('cancels the call in 2026-07-28', async () => {
    const { client, transport } = await connectClient(server.url, '2026-07-28');
    const call = client.callTool({ name: 'slow', arguments: { milliseconds: 8000 } }).catch(() => undefined);
    await inFlight(1);
    await transport.close();
    await inFlight(0);
    expect(server.logs.at(-1)).toMatchObject({ tool: 'slow', reason: 'cancelled' });
    await call;
  });

  it('does not cancel the call in 2025-11-25, where the client may come back for it', async () => {
    const { client, transport } = await connectClient(server.url, '2025-11-25');
    const before = (await server.scrape()).value('mcp_tool_calls_total', {
      tool_name: 'slow',
      status: 'success',
    });
    const call = client.callTool({ name: 'slow', arguments: { milliseconds: 2000 } }).catch(() => undefined);
    await inFlight(1);
    await transport.close();
    await inFlight(0);
    const after = (await server.scrape()).value('mcp_tool_calls_total', {
      tool_name: 'slow',
      status: 'success',
    });
    expect(after).toBe((before ?? 0) + 1);
    await call;
  });
});
