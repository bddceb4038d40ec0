import { ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ERAS } from '../support/clients.ts';
import { startStdio, _meta } from '../support/raw-stdio.ts';
import { FIXTURE_TOOLS, startTestServer, type TestServer } from '../support/test-server.ts';
import { waitUntil } from '../support/wait.ts';

const CHATTY_TOOLS = fileURLToPath(new URL('chatty-tools.ts', import.meta.url));
const TIMES = 10_000;
/** Many times what is ever sent of a call that takes seconds, and a small part of what is said. */
const FEW = 1000;

interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: unknown;
}

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    tools: { modules: [CHATTY_TOOLS, FIXTURE_TOOLS] },
    limits: { callsPerSecond: 0 },
  });
});
afterAll(() => server.stop());

type Era = (typeof ERAS)[number];

const modernMeta = { ..._meta, 'io.modelcontextprotocol/logLevel': 'debug' };

/** What a client reads of a call, until its answer. */
async function call(era: Era, name: string, args: object = { times: TIMES }): Promise<readonly Message[]> {
  const post = (body: object, headers: object): Promise<Response> =>
    fetch(`${server.url}/mcp`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': era,
        ...headers,
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 7, ...body }),
    });
  let headers: object = { 'mcp-method': 'tools/call', 'mcp-name': name };
  if (era === '2025-11-25') {
    const params = { protocolVersion: era, capabilities: {}, clientInfo: { name: 'raw', version: '1' } };
    const opened = await post({ method: 'initialize', params }, {});
    await opened.text();
    headers = { 'mcp-session-id': opened.headers.get('mcp-session-id') };
  }
  const params = {
    name,
    arguments: args,
    _meta: { progressToken: 'steps', ...(era === '2026-07-28' && modernMeta) },
  };
  const text = await (await post({ method: 'tools/call', params }, headers)).text();
  return [...text.matchAll(/^data: (\{.*)$/gm)].map(([, data = '']) => JSON.parse(data) as Message);
}

/** The last is the answer. */
const told = (messages: readonly Message[]): readonly Message[] => {
  expect(messages.at(-1)).toMatchObject({ id: 7, result: { content: [{ text: 'said' }] } });
  return messages.slice(0, -1);
};

const lastProgress = {
  method: 'notifications/progress',
  params: { progressToken: 'steps', progress: TIMES, total: TIMES, message: `step ${TIMES}` },
};

describe.each(ERAS)('a client (%s)', (era) => {
  it.each(['reports', 'reports_in_turns', 'reports_in_thread', 'reports_in_turns_in_thread'])(
    'gets some of the progress of a tool that reports it in a loop, and the last before the answer: %s',
    async (name) => {
      const before = told(await call(era, name));
      expect(before.length).toBeLessThan(FEW);
      expect(before.at(-1)).toMatchObject(lastProgress);
      const steps = before.map(({ params }) => Number(params?.['progress']));
      expect(steps).toEqual([...steps].sort((a, b) => a - b));
    },
  );

  it.each(['logs', 'logs_in_thread'])(
    'gets what it can be sent of what a tool logs in a loop, the severe first, and how much was left out: %s',
    async (name) => {
      const before = told(await call(era, name));
      expect(before.length).toBeLessThan(FEW);
      const said = before.map(({ params }) => ({ level: params?.['level'], data: String(params?.['data']) }));
      const errors = said.filter(({ level }) => level === 'error').map(({ data }) => data);
      expect(errors).toEqual(Array.from({ length: 10 }, (_, index) => `line ${(index + 1) * 1000}`));
      const last = said.at(-1);
      expect(last?.level).toBe('warning');
      const leftOut = Number(/^(\d+) log messages of this call were left out/.exec(last?.data ?? '')?.[1]);
      expect(leftOut).toBe(TIMES - (said.length - 1));
    },
  );

  it('that does not keep up is told nothing but the newest, before the answer', async () => {
    const keepsUp = vi.spyOn(ServerResponse.prototype, 'writableNeedDrain', 'get').mockReturnValue(true);
    try {
      const messages = await call(era, 'counts', {});
      const progress = messages.filter(({ method }) => method === 'notifications/progress');
      expect(progress.map(({ params }) => params?.['progress'])).toEqual([3]);
      expect(messages.at(-1)).toMatchObject({ result: { content: [{ text: 'counted' }] } });
    } finally {
      keepsUp.mockRestore();
    }
  });
});

it('over stdio, too, a tool that says much in a loop is heard in part', async () => {
  const stdio = await startStdio({ 'tools.modules': CHATTY_TOOLS });
  for (const [id, name] of ['reports', 'reports_in_thread', 'logs', 'logs_in_thread'].entries()) {
    const meta = { ...modernMeta, progressToken: 'steps' };
    const params = { name, arguments: { times: TIMES }, _meta: meta };
    stdio.send({ id, method: 'tools/call', params });
    await waitUntil(() => stdio.messages.some((message) => message.id === id), { timeout: 60_000 });
  }
  expect(stdio.messages.length).toBeLessThan(FEW);
  expect(stdio.messages.filter((message) => 'result' in message)).toHaveLength(4);
});
