import { expect, it } from 'vitest';
import { waitFor, waitUntil } from '../support/wait.ts';
import { echo, startStdio, _meta } from '../support/raw-stdio.ts';

const request = (more: object): string =>
  JSON.stringify({ jsonrpc: '2.0', id: 'x', method: 'tools/list', params: { _meta }, ...more });

const MAX_BYTES = 8192;

/** What no server can serve, what the answer says, and whose it is. */
const MALFORMED: readonly (readonly [line: string | Buffer, code: number, id: unknown, message: RegExp])[] = [
  ['{"jsonrpc":"2.0","id":1,', -32700, null, /not valid JSON/],
  ['hello', -32700, null, /not valid JSON/],
  [Buffer.from([0x22, 0xff, 0x22]), -32700, null, /not valid UTF-8/],
  ['['.repeat(1000), -32700, null, /64 levels/],
  [request({ text: 'x'.repeat(MAX_BYTES) }), -32600, null, /longer than 8192 bytes/],
  [
    request({ params: { _meta: { ..._meta, list: Array(1990).fill(0) } } }),
    -32600,
    'x',
    /at most 2000 values/,
  ],
  ['17', -32600, null, /must be an object/],
  ['null', -32600, null, /must be an object/],
  [`[${request({})}]`, -32600, null, /no batches/],
  [request({ params: null }), -32600, 'x', /^params must be an object/],
  [request({ params: [] }), -32600, 'x', /^params must be an object/],
  [request({ id: 1.5 }), -32600, 1.5, /^id must be/],
  [request({ id: null }), -32600, null, /^id must be/],
  [request({ id: { a: 1 } }), -32600, null, /^id must be/],
  [request({ jsonrpc: '1.0' }), -32600, 'x', /^jsonrpc must be "2.0"/],
  [request({ jsonrpc: undefined }), -32600, 'x', /^jsonrpc must be "2.0"/],
  [request({ method: 7 }), -32600, 'x', /^method must be a text/],
  ['{"jsonrpc":"2.0","id":"x"}', -32600, 'x', /neither a request nor/],
];

it('each line that is no message is answered with what is wrong with it, and those after it are served', async () => {
  const stdio = await startStdio({ 'server.bodyBytes': String(MAX_BYTES) });
  for (const [line] of MALFORMED) stdio.sendLine(line);
  stdio.sendLine('');
  stdio.send(echo(99, 'still here'));
  await waitUntil(() => stdio.messages.length === MALFORMED.length + 1);
  expect(stdio.messages.slice(0, -1)).toEqual(
    MALFORMED.map(([, code, id, message]) => ({
      jsonrpc: '2.0',
      id,
      error: { code, message: expect.stringMatching(message) as string },
    })),
  );
  expect(stdio.messages.at(-1)).toMatchObject({ id: 99, result: { content: [{ text: 'still here' }] } });
});

it('a client that does not read its answers holds up nothing else, keeps no more than it may, and gets them all when it reads', async () => {
  const stdio = await startStdio();
  stdio.stopReading();
  const large = 'x'.repeat(500_000);
  const complaint = /The client has left \d+ bytes of answers unread/;
  for (let id = 0; id < 60; id += 1) stdio.send(echo(id, large));
  await waitFor(() => {
    expect(JSON.stringify(stdio.logs)).toMatch(complaint);
  }, 30_000);
  const calls = async (): Promise<number> =>
    (await stdio.scrape()).value('mcp_tool_calls_total', { tool_name: 'echo', status: 'success' }) ?? 0;
  expect(await calls()).toBeLessThan(60);
  expect((await fetch(`${stdio.opsUrl}/livez`)).status).toBe(200);
  stdio.readAgain();
  await waitUntil(() => stdio.messages.length === 60, { timeout: 30_000 });
  expect(await calls()).toBe(60);
});
