import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { createApplication } from '../../src/application.ts';
import { settingsSchema } from '../../src/config/settings.ts';
import { connectStdio } from '../../src/mcp/stdio.ts';
import { createLogger } from '../../src/monitoring/logging.ts';
import { keptMegabytes } from '../support/garbage.ts';
import { FIXTURE_TOOLS, startTestServer, type TestServer } from '../support/test-server.ts';

const notify = (method: string, params: object): object => ({ jsonrpc: '2.0', method, params });
const cancel = (requestId: unknown): object => notify('notifications/cancelled', { requestId });
const call = (id: unknown, text: string, more: object = {}): object => ({
  ...{ jsonrpc: '2.0', id, method: 'tools/call' },
  params: { name: 'echo', arguments: { text }, ...more },
});
const clientInfo = { name: 'test', version: '1' };
const initialize = (protocolVersion: string): object => ({
  ...{ jsonrpc: '2.0', id: 'first', method: 'initialize' },
  params: { protocolVersion, capabilities: {}, clientInfo },
});

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ limits: { callsPerSecond: 0 }, tools: { enabled: ['echo'] } });
});
afterAll(() => server.stop());

async function post(body: unknown, session?: string): Promise<Response> {
  const response = await fetch(`${server.url}/mcp`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(session !== undefined && { 'mcp-session-id': session }),
    },
    body: JSON.stringify(body),
  });
  await response.arrayBuffer();
  return response;
}

const MEGABYTE = 'x'.repeat(900_000);
/** As much as a message may have besides its arguments. */
const MUCH = 'x'.repeat(60_000);

it.each<readonly [string, number, (id: string) => readonly object[]]>([
  ['a cancellation and then its call', 20, (id) => [[cancel(id), call(id, MEGABYTE + id)]]],
  ['a call and then its cancellation', 20, (id) => [[call(id, MEGABYTE + id), cancel(id)]]],
  [
    'what belongs to nothing that was asked',
    60,
    (id) => [
      cancel(MUCH + id),
      notify('notifications/progress', { progressToken: MUCH + id, progress: 1 }),
      { jsonrpc: '2.0', id: MUCH + id, result: {} },
      notify('notifications/x', { text: MUCH + id }),
    ],
  ],
])('a session keeps nothing of %s', async (_what, count, messagesOf) => {
  const opened = await post(initialize('2025-03-26'));
  const session = opened.headers.get('mcp-session-id') ?? '';
  for (const message of messagesOf('warm')) await post(message, session);
  const before = await keptMegabytes();
  for (let each = 0; each < count; each += 1) {
    for (const message of messagesOf(String(each)))
      expect((await post(message, session)).status).toBeLessThan(300);
    // What the test keeps of the log.
    server.logs.length = 0;
  }
  // They were twelve megabytes and more.
  expect((await keptMegabytes()) - before).toBeLessThan(6);
});

it('a session keeps little of who its client is', async () => {
  const before = await keptMegabytes();
  for (let each = 0; each < 20; each += 1) {
    const capabilities = { experimental: { a: { b: MEGABYTE + String(each) } } };
    await post({
      ...initialize('2025-11-25'),
      params: { protocolVersion: '2025-11-25', clientInfo, capabilities },
    });
  }
  expect((await keptMegabytes()) - before).toBeLessThan(6);
});

it.each(['2025-11-25', '2026-07-28'])(
  'over stdio nothing is in flight after cancellations in either order, in %s',
  async (version) => {
    const settings = settingsSchema.parse({
      tools: { modules: [FIXTURE_TOOLS], enabled: ['echo', 'hangs'] },
    });
    const created = await createApplication(settings, process.cwd(), {
      logger: createLogger('silent', { write: () => undefined }),
      now: () => performance.now() / 1000,
      unixTime: () => Date.now() / 1000,
      version: '0.0.0',
      revision: 'test',
      env: {},
    });
    if (!created.ok) throw new Error(created.problems.join('\n'));
    const { application } = created;
    const [stdin, stdout] = [new PassThrough(), new PassThrough()];
    const connection = connectStdio(application.mcp, {
      ...{ stdin, stdout, maxMessageBytes: 100_000, maxSubscriptions: 1 },
    });
    onTestFinished(async () => {
      await connection.close();
      await application.workers.close();
    });
    let answers = '';
    stdout.on('data', (chunk: Buffer) => {
      answers += chunk.toString();
    });
    const send = (...messages: object[]): void => {
      stdin.write(messages.map((message) => `${JSON.stringify(message)}\n`).join(''));
    };
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': version,
      'io.modelcontextprotocol/clientCapabilities': {},
      'io.modelcontextprotocol/clientInfo': clientInfo,
    };
    const more = version === '2026-07-28' ? { _meta } : {};
    if (version !== '2026-07-28') send(initialize(version), notify('notifications/initialized', {}));
    for (let id = 0; id < 100; id += 4) {
      send(cancel(id), call(id, 'hi', more));
      send(call(id + 1, 'hi', more), cancel(id + 1));
      send(call(id + 2, 'hi', { name: 'hangs', ...more }), cancel(id + 2));
      send(
        cancel(`never ${id}`),
        notify('notifications/progress', { progressToken: id, progress: 1, ...more }),
      );
    }
    send(call('last', 'hi', more));
    await expect.poll(() => answers).toContain('"last"');
    await expect.poll(() => [...application.mcp.door.inFlight].length).toBe(0);
    expect(application.callsInFlight()).toEqual([]);
  },
);
