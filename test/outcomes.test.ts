import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ERROR_REASONS, REASONS, type ErrorReason, type WorkerRestartReason } from '../src/tools/reasons.ts';
import { connectClient, ERAS, type Era } from './support/clients.ts';
import type { Samples } from './support/metrics-text.ts';
import { startTestServer, type TestServer } from './support/test-server.ts';
import { waitFor } from './support/wait.ts';

const TOKEN = 'a-token-that-may-use-few-tools';
const headers = { authorization: `Bearer ${TOKEN}` };
const tokensFile = join(mkdtempSync(join(tmpdir(), 'tokens-')), 'tokens.yaml');
writeFileSync(tokensFile, `- {name: narrow, token: ${TOKEN}, tools: [echo]}\n`);

interface Case {
  readonly reason: ErrorReason;
  readonly tool: string;
  readonly args?: unknown;
  readonly settings?: Record<string, Record<string, unknown>>;
  /** What the caller is told, where it is not the reason. */
  readonly toldAs?: ErrorReason;
  readonly says: RegExp;
  readonly logLevel: 'info' | 'warn' | 'error';
  readonly reachesTool: boolean;
  /** Why the thread of an isolated tool is lost. */
  readonly restart?: WorkerRestartReason;
  /** A call made before the one that fails, and not waited for. */
  readonly before?: { readonly tool: string; readonly args: unknown };
  /** Whether calls are made before the one that fails until the quota of their client is spent. */
  readonly spendsQuota?: boolean;
}

const oneSlot = { limits: { concurrency: 1, queue: 0 } };
const CASES: readonly Case[] = [
  { reason: 'tool_error', tool: 'fails', says: /It cannot be done/, logLevel: 'info', reachesTool: true },
  { reason: 'exception', tool: 'throws', says: /failed unexpectedly/, logLevel: 'error', reachesTool: true },
  {
    reason: 'exception',
    tool: 'breaks_schema',
    says: /failed unexpectedly/,
    logLevel: 'error',
    reachesTool: true,
  },
  { reason: 'exception', tool: 'too_large', says: /too large/, logLevel: 'error', reachesTool: true },
  {
    reason: 'exception',
    tool: 'eats_memory',
    says: /failed unexpectedly/,
    logLevel: 'error',
    reachesTool: true,
    restart: 'out_of_memory',
  },
  { reason: 'timeout', tool: 'hangs', says: /within 0.2 s/, logLevel: 'warn', reachesTool: true },
  {
    reason: 'timeout',
    tool: 'spins',
    says: /within 0.5 s/,
    logLevel: 'warn',
    reachesTool: true,
    restart: 'timeout',
  },
  { reason: 'unavailable', tool: 'unreachable', says: /database/, logLevel: 'warn', reachesTool: true },
  {
    reason: 'unavailable',
    tool: 'exits',
    says: /worker thread/,
    logLevel: 'warn',
    reachesTool: true,
    restart: 'crashed',
  },
  {
    reason: 'overloaded',
    tool: 'echo',
    args: { text: 'hi' },
    settings: oneSlot,
    before: { tool: 'slow', args: { milliseconds: 20_000 } },
    says: /busy/,
    logLevel: 'warn',
    reachesTool: false,
  },
  {
    reason: 'invalid_arguments',
    tool: 'echo',
    args: { text: 5, extra: true },
    says: /text: .*string.*extra/,
    logLevel: 'info',
    reachesTool: false,
  },
  { reason: 'unknown_tool', tool: 'nope', says: /no such tool/, logLevel: 'info', reachesTool: false },
  {
    reason: 'denied',
    tool: 'add',
    args: { a: 1, b: 2 },
    settings: { auth: { tokensFile } },
    toldAs: 'unknown_tool',
    says: /no such tool/,
    logLevel: 'info',
    reachesTool: false,
  },
  {
    reason: 'rate_limited',
    tool: 'echo',
    args: { text: 'hi' },
    // Enough for a client of either era to connect.
    settings: { limits: { callsPerSecond: 0.0001, burst: 10 } },
    spendsQuota: true,
    says: /try again in/,
    logLevel: 'info',
    reachesTool: false,
  },
];

/** Serves what needs no settings of its own: what is expected is what a call adds. */
let shared: TestServer;
beforeAll(async () => {
  const tools = CASES.filter(({ settings, tool }) => !settings && tool !== 'nope').map(({ tool }) => tool);
  const enabled = [...new Set([...tools, 'slow', 'isolated', 'fetches_in_thread'])];
  shared = await startTestServer({ tools: { enabled }, workers: { maxHeapMegabytes: 32 } });
});
afterAll(() => shared.stop());

async function serverOf({ settings }: Case): Promise<TestServer> {
  if (!settings) return shared;
  const server = await startTestServer({ tools: { enabled: ['add', 'echo', 'slow'] }, ...settings });
  onTestFinished(async () => {
    await server.stop();
  });
  return server;
}

function expectRecorded(before: Samples, after: Samples, { reason, tool, reachesTool, restart }: Case): void {
  const tool_name = reason === 'unknown_tool' ? 'unknown' : tool;
  const grown = (name: string, labels: Record<string, string>): number =>
    (after.value(name, labels) ?? 0) - (before.value(name, labels) ?? 0);
  expect(grown('mcp_tool_calls_total', { tool_name, status: 'error' })).toBe(1);
  expect(grown('mcp_tool_errors_total', { tool_name })).toBe(1);
  expect(grown('mcp_tool_errors_total', { tool_name, reason })).toBe(1);
  expect(grown('mcp_tool_duration_seconds_count', { tool_name })).toBe(reachesTool ? 1 : 0);
  expect(grown('mcp_worker_restarts_total', {})).toBe(restart ? 1 : 0);
  if (restart) expect(grown('mcp_worker_restarts_total', { reason: restart })).toBe(1);
  expectReasonsToSumToErrors(after);
}

function expectReasonsToSumToErrors(samples: Samples): void {
  for (const { labels, value } of samples.select('mcp_tool_calls_total', { status: 'error' })) {
    const reasons = samples.value('mcp_tool_errors_total', { tool_name: labels['tool_name'] ?? '' });
    expect(reasons, labels['tool_name']).toBe(value);
  }
}

/** Expects a line of the call among those of the log since `from`. */
function expectLogged({ logs }: TestServer, from: number, { reason, tool, logLevel }: Case): void {
  const line = logs.slice(from).find((entry) => entry['msg'] === 'tool call' && entry['reason'] === reason);
  expect(line).toMatchObject({
    level: logLevel,
    status: 'error',
    tool: reason === 'unknown_tool' ? 'unknown' : tool,
  });
}

/** Spends the quota, or begins the call that has to be there first, and waits until the server has taken it up. It ends with the test. */
async function begin(server: TestServer, { before: first, spendsQuota, tool, args }: Case): Promise<void> {
  while (spendsQuota && (await server.execute(tool, args, { headers })).status !== 429);
  if (!first) return;
  const gone = new AbortController();
  onTestFinished(() => {
    gone.abort();
  });
  void server.execute(first.tool, first.args, { signal: gone.signal }).catch(() => undefined);
  await waitFor(async () => {
    const samples = await server.scrape();
    const started =
      (samples.value('mcp_tool_calls_in_flight', { tool_name: first.tool }) ?? 0) +
      (samples.value('mcp_tool_calls_total', { tool_name: first.tool }) ?? 0);
    expect(started).toBe(1);
  });
}

const title = ({ reason, tool }: Case): string => `${reason} (${tool})`;

describe('a failed call over REST', () => {
  it.each(CASES.map((each) => [title(each), each] as const))(
    'answers, counts and logs %s',
    async (_title, each) => {
      const server = await serverOf(each);
      await begin(server, each);
      const [before, from] = [await server.scrape(), server.logs.length];
      const { status, body } = await server.execute(each.tool, each.args, { headers });
      const told = each.toldAs ?? each.reason;
      expect(status).toBe(ERROR_REASONS[told].httpStatus);
      expect(body).toMatchObject({
        tool_name: each.tool,
        reason: told,
        detail: expect.stringMatching(each.says) as string,
      });
      expectRecorded(before, await server.scrape(), each);
      expectLogged(server, from, each);
      expect(JSON.stringify(body)).not.toContain('secret');
    },
  );
});

describe.each(ERAS)('a failed call over MCP %s', (era) => {
  it.each(CASES.map((each) => [title(each), each] as const))(
    'answers, counts and logs %s',
    async (_title, each) => {
      const server = await serverOf(each);
      const { client } = await connectClient(server.url, era, { headers });
      await begin(server, each);
      const [before, from] = [await server.scrape(), server.logs.length];
      const call = client.callTool({
        name: each.tool,
        arguments: (each.args ?? {}) as Record<string, unknown>,
      });
      if ((each.toldAs ?? each.reason) === 'unknown_tool') {
        await expect(call).rejects.toMatchObject({
          code: -32602,
          message: expect.stringMatching(each.says) as string,
        });
      } else {
        const { isError, content, _meta } = await call;
        expect(isError).toBe(true);
        expect(content).toMatchObject([{ type: 'text', text: expect.stringMatching(each.says) as string }]);
        const { retryable } = ERROR_REASONS[each.reason];
        expect(_meta?.['nexus-mcp/failure']).toMatchObject({ reason: each.reason, retryable });
        expect(JSON.stringify(content)).not.toContain('secret');
      }
      expectRecorded(before, await server.scrape(), each);
      expectLogged(server, from, each);
      await client.close();
    },
  );
});

describe('an isolated call', () => {
  const restarts = async (): Promise<number | undefined> =>
    (await shared.scrape()).value('mcp_worker_restarts_total');

  it('whose result is no JSON is a bug of the tool, which the log explains, and costs no thread', async () => {
    const before = await restarts();
    const { body } = await shared.execute('isolated', { what: 'function' });
    expect(body).toMatchObject({ reason: 'exception' });
    expect(shared.logs.at(-1)).toMatchObject({
      reason: 'exception',
      err: { message: 'invalid result: what: a function is not JSON' },
    });
    expect(await restarts()).toBe(before);
  });

  it('that throws is logged with its cause and code', async () => {
    await shared.execute('fetches_in_thread', { url: 'http://127.0.0.1:1/', patienceMilliseconds: 10_000 });
    expect(shared.logs.at(-1)).toMatchObject({
      reason: 'exception',
      err: { message: expect.stringMatching(/^fetch failed: ./) as string },
    });
  });

  it('that throws what has no text has thrown like any other, and costs no thread', async () => {
    const before = await restarts();
    const { body } = await shared.execute('isolated', { what: 'throws what has no text' });
    expect(body).toMatchObject({ reason: 'exception' });
    expect(await restarts()).toBe(before);
  });

  it('whose thread is lost is logged with its tool, and why', async () => {
    const from = shared.logs.length;
    await shared.execute('exits');
    const line = shared.logs.slice(from).find(({ msg }) => msg === 'worker thread replaced');
    expect(line).toMatchObject({
      reason: 'crashed',
      tool: 'exits',
      err: { message: expect.any(String) as string },
    });
  });
});

describe('a cancelled call', () => {
  const each: Case = { reason: 'cancelled', tool: 'slow', says: /./, logLevel: 'info', reachesTool: true };
  const args = { milliseconds: 20_000 };
  const inFlight = async (count: number): Promise<void> => {
    const samples = await shared.scrape();
    expect(samples.value('mcp_tool_calls_in_flight', { tool_name: 'slow' })).toBe(count);
  };
  const expectCancelled = async (before: Samples, from: number): Promise<void> => {
    await waitFor(() => inFlight(0));
    await waitFor(async () => {
      expectRecorded(before, await shared.scrape(), each);
    });
    expectLogged(shared, from, each);
  };

  it('is counted when a REST client goes away', async () => {
    const [before, from] = [await shared.scrape(), shared.logs.length];
    const gone = new AbortController();
    const call = shared.execute('slow', args, { signal: gone.signal }).catch((error: unknown) => error);
    await waitFor(() => inFlight(1));
    gone.abort();
    await call;
    await expectCancelled(before, from);
  });

  it.each(ERAS)('is counted when an MCP %s client cancels', async (era: Era) => {
    const { client } = await connectClient(shared.url, era);
    const [before, from] = [await shared.scrape(), shared.logs.length];
    const gone = new AbortController();
    const call = client
      .callTool({ name: 'slow', arguments: args }, { signal: gone.signal })
      .catch((error: unknown) => error);
    await waitFor(() => inFlight(1));
    gone.abort();
    await call;
    await expectCancelled(before, from);
    await client.close();
  });
});

it('has a case for every reason', () => {
  const covered = new Set<ErrorReason>([...CASES.map(({ reason }) => reason), 'cancelled']);
  expect([...covered].sort()).toEqual([...REASONS].sort());
});
