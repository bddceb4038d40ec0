import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectClient, ERAS } from '../support/clients.ts';
import { RawUpstream } from '../support/raw-upstream.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';
import { areUp, UNHURRIED } from './state-now.ts';

const upstream = new RawUpstream();
let server: TestServer;

beforeAll(async () => {
  const url = await upstream.listen();
  server = await startTestServer(
    { tools: { enabled: ['add'] }, upstreams: [{ name: 'raw', url, timeoutSeconds: 3600 }] },
    undefined,
    UNHURRIED,
  );
  await areUp(server, 'raw');
});

afterAll(async () => {
  expect(await server.stop()).toBe(true);
  await upstream.close();
});

it.each(ERAS)(
  'a client over MCP %s has each progress of an upstream while that withholds the rest',
  async (era) => {
    let say: (progress: number) => void = () => undefined;
    let end: () => void = () => undefined;
    upstream.behaviour = {
      'tools/call': ({ id, params }, response) => {
        const { progressToken } = params?.['_meta'] as { readonly progressToken: unknown };
        const write = (message: object): unknown =>
          response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`);
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        say = (progress) =>
          write({ method: 'notifications/progress', params: { progressToken, progress, total: 3 } });
        end = () => {
          write({ id, result: { content: [{ type: 'text', text: 'done' }] } });
          response.end();
        };
        say(1);
      },
    };
    const { client } = await connectClient(server.url, era);
    const progress: unknown[] = [];
    let isOver = false;
    const call = client.callTool(
      { name: 'raw_works', arguments: {} },
      { onprogress: (each) => progress.push(each.progress), timeout: 3_600_000 },
    );
    void call.catch(() => undefined).finally(() => (isOver = true));
    for (const said of [1, 2, 3]) {
      if (said > 1) say(said);
      await waitFor(() => {
        expect(progress.at(-1)).toBe(said);
      });
    }
    expect([progress, isOver]).toEqual([[1, 2, 3], false]);
    end();
    expect(await call).toMatchObject({ content: [{ text: 'done' }] });
    await client.close();
  },
);
