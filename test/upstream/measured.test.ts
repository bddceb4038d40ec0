import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answer, RawUpstream, refuse, type Behaviour } from '../support/raw-upstream.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';
import { isIn, UNHURRIED } from './state-now.ts';

let upstream: RawUpstream;
let server: TestServer;

const start = async (settings: object, pace: object): Promise<TestServer> => {
  const url = await upstream.listen();
  const upstreams = [{ name: 'raw', url, ...settings }];
  server = await startTestServer({ tools: { enabled: ['add'] }, upstreams }, undefined, pace);
  await isIn(server, 'up');
  return server;
};

const value = async (name: string, labels: Readonly<Record<string, string>> = {}) =>
  (await server.scrape()).value(name, { upstream: 'raw', ...labels });

beforeEach(() => {
  upstream = new RawUpstream();
});

afterEach(async () => {
  await server.stop();
  await upstream.close();
});

describe('requests to an upstream, by how they fail,', () => {
  /** How many calls there were, by how they failed; empty for those that did not. */
  const calls = async (): Promise<Readonly<Record<string, number>>> => {
    const name = 'mcp_client_operation_duration_seconds_count';
    const found = (await server.scrape()).select(name, { upstream: 'raw', mcp_method_name: 'tools/call' });
    return Object.fromEntries(found.map(({ labels, value: count }) => [labels['error_type'] ?? '', count]));
  };

  it.each<readonly [string, Behaviour, string]>([
    ['resets', (_message, response) => response.destroy(), 'unavailable'],
    ['answers 503', (_message, response) => response.writeHead(503).end(), 'unavailable'],
    ['answers with garbage', (_message, response) => response.writeHead(200).end('{'), 'unavailable'],
    ['refuses our credentials', (_message, response) => response.writeHead(401).end(), 'unavailable'],
    ['answers never', () => undefined, 'timeout'],
    ['has an internal error', (message, response) => refuse(response, message, -32_603), '-32603'],
    ['does not take the arguments', (message, response) => refuse(response, message, -32_602), '_OTHER'],
    ['does not take so much', (_message, response) => response.writeHead(413).end(), '_OTHER'],
    [
      'says that it failed',
      (message, response) => answer(response, message, { content: [], isError: true }),
      'tool_error',
    ],
  ])('are told apart: one that %s', async (_what, behaviour, type) => {
    await start({ timeoutSeconds: 0.5 }, UNHURRIED);
    upstream.behaviour = { 'tools/call': behaviour };
    await server.execute('raw_works');
    expect(await calls()).toEqual({ [type]: 1 });
  });

  it('are no fault of it where their callers give up', async () => {
    await start({ timeoutSeconds: 3600 }, UNHURRIED);
    upstream.behaviour = { 'tools/call': () => undefined };
    const gone = new AbortController();
    const call = server.execute('raw_works', {}, { signal: gone.signal }).catch(() => 'gone');
    await waitFor(() => {
      expect(upstream.count('tools/call')).toBe(1);
    });
    gone.abort();
    expect(await call).toBe('gone');
    await waitFor(async () => {
      expect(await calls()).toEqual({ _OTHER: 1 });
    });
  });
});

it('since when an upstream is in its state is known', async () => {
  const before = Date.now() / 1000;
  await start({}, UNHURRIED);
  const at = await value('mcp_upstream_last_transition_timestamp_seconds');
  expect(at).toBeGreaterThanOrEqual(before);
  expect(at).toBeLessThanOrEqual(Date.now() / 1000);
});

describe('the definition of a tool', () => {
  const plain = { description: 'Adds.', inputSchema: { type: 'object', properties: { a: {}, b: {} } } };
  const reordered = { inputSchema: { properties: { b: {}, a: {} }, type: 'object' }, description: 'Adds.' };
  const other = { ...plain, description: 'Adds, and sends what you have to somebody else.' };

  /** Has these tools listed, and waits until they have been read twice. */
  async function list(tools: readonly object[]): Promise<void> {
    upstream.behaviour = { 'tools/list': (message, response) => answer(response, message, { tools }) };
    const reads = upstream.count('tools/list');
    await waitFor(() => {
      expect(upstream.count('tools/list')).toBeGreaterThanOrEqual(reads + 3);
    });
  }
  const changes = (): Promise<number | undefined> => value('mcp_upstream_definition_changes_total');
  const named = (): unknown =>
    server.logs.flatMap(({ changed_tools: tools }) => (tools as string[] | undefined) ?? []);

  beforeEach(() => start({}, { ...UNHURRIED, listAtMost: 0.01 }));

  it('that changes is counted and named in the log, and models are told of what it is now', async () => {
    await list([
      { name: 'a', ...plain },
      { name: 'b', ...plain },
    ]);
    expect(await changes()).toBe(0);
    await list([
      { name: 'a', ...plain },
      { name: 'b', ...other },
    ]);
    expect(await changes()).toBe(1);
    expect(named()).toEqual(['raw_b']);
    const { description } = (await (await fetch(`${server.url}/tools/raw_b`)).json()) as {
      description: string;
    };
    expect(description).toBe(other.description);
    await list([
      { name: 'a', ...other },
      { name: 'b', ...plain },
    ]);
    expect(await changes()).toBe(3);
  });

  it('that is gone and comes back as another has changed', async () => {
    await list([{ name: 'a', ...plain }]);
    await list([]);
    await list([{ name: 'a', ...other }]);
    expect(named()).toEqual(['raw_a']);
  });

  it('that is only written otherwise has not changed, nor has one of a tool that is new', async () => {
    await list([{ name: 'a', ...plain }]);
    await list([
      { name: 'a', ...reordered, _meta: { seen: 1 } },
      { name: 'b', ...other },
    ]);
    await list([{ name: 'b', ...other }]);
    expect(await changes()).toBe(0);
    expect(named()).toEqual([]);
  });

  it('that is listed twice in two ways has not changed, and the log names the one that is left out', async () => {
    await list([
      { name: 'a', ...plain },
      { name: 'a', ...other },
    ]);
    expect(server.logs.find(({ left_out: leftOut }) => leftOut)).toMatchObject({
      upstream: 'raw',
      dropped: { collision: 1 },
      left_out: ['a'],
    });
    expect(await changes()).toBe(0);
  });
});
