import { Agent, request } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import { keptMegabytes } from '../support/garbage.ts';
import { call, openSession } from '../support/raw-session.ts';
import { startTestServer } from '../support/test-server.ts';

const CONNECTIONS = 20;
const LARGE = 'x'.repeat(400_000);

type Make = (blob: string) => { readonly path: string; readonly headers?: object; readonly body: object };

const execute: Make = (blob) => ({ path: '/execute', body: { tool_name: 'echo', arguments: { blob } } });

const inSession =
  (session: string): Make =>
  (blob) => ({
    path: '/mcp',
    headers: { 'mcp-session-id': session },
    body: call('1', 'echo', { blob }),
  });

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

const withoutSession: Make = (blob) => ({
  path: '/mcp',
  headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'echo' },
  body: { ...call('1', 'echo'), params: { name: 'echo', arguments: { blob }, _meta: META } },
});

it.each([
  ['a call by REST', () => Promise.resolve(execute)],
  ['a call in a session', async (url: string) => inSession(await openSession(url))],
  ['a call of the revision without sessions', () => Promise.resolve(withoutSession)],
])('an idle connection keeps nothing of %s', async (_name, calling) => {
  const server = await startTestServer({ limits: { callsPerSecond: 0 } });
  const agent = new Agent({ keepAlive: true, maxFreeSockets: CONNECTIONS });
  onTestFinished(async () => {
    agent.destroy();
    await server.stop();
  });
  const make = await calling(server.url);
  /** Makes a call on each connection; all are idle afterwards. */
  const calls = (blob: string): Promise<unknown> => {
    const { path, body, headers } = make(blob);
    const text = JSON.stringify(body);
    const options = {
      method: 'POST',
      agent,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      },
    };
    return Promise.all(
      Array.from(
        { length: CONNECTIONS },
        () =>
          new Promise((resolve, reject) => {
            const asked = request(`${server.url}${path}`, options, (answer) => {
              answer.resume().on('end', resolve);
            });
            asked.on('error', reject).end(text);
          }),
      ),
    );
  };
  await calls('small');
  const before = await keptMegabytes();
  await calls(LARGE);
  // If they were kept, it would be 8.
  expect((await keptMegabytes()) - before).toBeLessThan(2);
  expect(Object.values(agent.freeSockets).flat()).toHaveLength(CONNECTIONS);
});
