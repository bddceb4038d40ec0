import { fileURLToPath } from 'node:url';
import type { Client } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectClient, ERAS } from '../support/clients.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { asked, misuses } from './misusing-tools.ts';

const MISUSING_TOOLS = fileURLToPath(new URL('misusing-tools.ts', import.meta.url));

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    tools: { modules: [MISUSING_TOOLS] },
    limits: { callsPerSecond: 0, toolTimeoutSeconds: 600 },
    log: { foldSeconds: 0 },
  });
});
afterAll(() => server.stop());

/** What the log says was thrown in the last call of a tool. */
const errorOf = (tool: string): { readonly message?: string; readonly stack?: string } =>
  server.logs.findLast((line) => line['tool'] === tool)?.['err'] ?? {};

describe.each(['', '_in_thread'])(
  'a function of the context%s that is called with what it cannot take',
  (where) => {
    it.each(misuses)('fails the call as a fault of the tool, and the log says where: %s', async (name) => {
      const tool = `${name}${where}`;
      const { status, body } = await server.execute(tool);
      expect([status, body.reason]).toEqual([500, 'exception']);
      const { message, stack } = errorOf(tool);
      expect(message).toMatch(name.startsWith('log') ? /^context\.log: / : /^context\.progress: /);
      expect(stack).toMatch(/misusing-tools\.ts:\d+/);
      const samples = await server.scrape();
      expect(samples.value('mcp_tool_errors_total', { tool_name: tool, reason: 'exception' })).toBe(1);
      expect(samples.value('mcp_worker_restarts_total')).toBe(0);
    });

    it('does no harm to the server, and to a tool that uses it rightly', async () => {
      expect((await server.execute(`uses${where}`)).body).toMatchObject({ result: 'done' });
    });

    it.each(ERAS)('sends the client nothing that is no message (%s)', async (era) => {
      const { client } = await connectClient(server.url, era);
      const errors: Error[] = [];
      client.onerror = (error) => errors.push(error);
      for (const name of misuses) {
        const { isError } = await client.callTool(
          { name: `${name}${where}` },
          { onprogress: () => undefined },
        );
        expect(isError, name).toBe(true);
      }
      expect(errors).toEqual([]);
      await client.close();
    });
  },
);

describe.each(ERAS)('a request for input (%s)', (era) => {
  let client: Client;
  let questions = 0;
  beforeAll(async () => {
    ({ client } = await connectClient(server.url, era, { capabilities: { elicitation: { form: {} } } }));
    client.setRequestHandler('elicitation/create', () => {
      questions += 1;
      return { action: 'accept', content: { text: 'a@b.example' } };
    });
  });
  afterAll(() => client.close());

  it.each(asked)('that nobody can be asked is a fault of its tool, each time: %s', async (name) => {
    const errors = async (): Promise<number> =>
      (await server.scrape()).value('mcp_tool_errors_total', { tool_name: name, reason: 'exception' }) ?? 0;
    const before = await errors();
    const { isError, content } = await client.callTool({ name });
    expect(isError).toBe(true);
    expect(content).toEqual([{ type: 'text', text: expect.stringMatching(/failed unexpectedly/) as string }]);
    expect(await errors()).toBe(before + 1);
    expect(errorOf(name).message).toMatch(/^invalid result: /);
    expect(errorOf(name).message?.length).toBeLessThan(300);
    const successes = { tool_name: name, status: 'success' };
    expect((await server.scrape()).value('mcp_tool_calls_total', successes)).toBe(0);
    expect(questions).toBe(0);
  });

  it.each([
    ['asks_nothing', /: it asks for nothing; inputRequired takes \{ key: elicit\(message, schema\) \}$/],
    ['asks_text', /: requests: .*; inputRequired takes \{ key: elicit\(message, schema\) \}$/],
    ['asks_for_an_object', /: requests\.who: .*; elicit takes a JSON Schema object, not of zod, /],
  ])('that nobody can be asked is logged with what can be: %s', async (name, says) => {
    await client.callTool({ name });
    expect(errorOf(name).message).toMatch(says);
  });

  it('may have every kind of field that MCP has', async () => {
    const { content } = await client.callTool({ name: 'asks_everything' });
    expect(content).toEqual([{ type: 'text', text: 'answered' }]);
    expect(questions).toBe(1);
    questions = 0;
  });
});
