import { spawn, type ChildProcess } from 'node:child_process';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { expect, it, onTestFinished } from 'vitest';
import { FIXTURE_TOOLS } from '../support/test-server.ts';
import { parseMetrics, type Samples } from '../support/metrics-text.ts';
import { waitFor, waitUntil } from '../support/wait.ts';

interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly result?: unknown;
  readonly error?: unknown;
}

/** `nexus-mcp stdio`, spoken to in raw messages. */
interface RawStdio {
  /** What came back so far. */
  readonly messages: readonly Message[];
  send(...messages: readonly object[]): void;
  scrape(): Promise<Samples>;
}

async function startStdio(more: Record<string, string> = {}): Promise<RawStdio> {
  const options = { 'ops.port': '0', 'tools.modules': FIXTURE_TOOLS, 'log.level': 'info', ...more };
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  const child: ChildProcess = spawn(process.execPath, ['src/main.ts', 'stdio', ...flags]);
  onTestFinished(() => void child.kill());
  const messages: Message[] = [];
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
    messages.push(JSON.parse(line) as Message);
  });
  let ops = '';
  createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => {
    const { ops_port: port } = JSON.parse(line) as { readonly ops_port?: number };
    if (port !== undefined) ops = `http://127.0.0.1:${port}`;
  });
  await waitUntil(() => ops !== '');
  return {
    messages,
    send(...sent) {
      child.stdin?.write(
        sent.map((message) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`).join(''),
      );
    },
    scrape: async () => parseMetrics(await (await fetch(`${ops}/metrics`)).text()),
  };
}

const _meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
};
const echo = (id: number, text: string) => ({
  id,
  method: 'tools/call',
  params: { name: 'echo', arguments: { text }, _meta },
});

it('requests that arrive together, and even with one id, are each counted, timed and answered', async () => {
  const stdio = await startStdio();
  stdio.send(echo(1, 'a'), echo(2, 'b'), echo(2, 'c'), { id: 3, method: 'tools/list', params: { _meta } });
  await waitUntil(() => stdio.messages.length === 4);
  expect(stdio.messages.map(({ id }) => id).sort()).toEqual([1, 2, 2, 3]);
  const samples = await stdio.scrape();
  expect(samples.value('mcp_tool_calls_total', { tool_name: 'echo', status: 'success' })).toBe(3);
  expect(samples.value('mcp_tool_errors_total')).toBe(0);
  expect(samples.value('mcp_server_operation_duration_seconds_count', { gen_ai_tool_name: 'echo' })).toBe(3);
  const version = { protocol_version: '2026-07-28', transport: 'stdio' };
  expect(samples.value('mcp_requests_total', { method: 'tools/call', ...version })).toBe(3);
  expect(samples.value('mcp_requests_total', { method: 'tools/list', ...version })).toBe(1);
});

it('no more streams of changes are open than the settings allow', async () => {
  const stdio = await startStdio({ 'sessions.maxSubscriptions': '1' });
  const params = { _meta, notifications: { toolsListChanged: true } };
  for (const id of [1, 2]) stdio.send({ id, method: 'subscriptions/listen', params });
  await waitUntil(() => stdio.messages.some(({ id, error }) => id === 2 && error));
  const samples = await stdio.scrape();
  expect(samples.value('mcp_active_subscriptions')).toBe(1);
  expect(samples.value('mcp_subscriptions_limit')).toBe(1);
});

it('a stream of changes is counted though it is the first request, and though the SDK answers it itself', async () => {
  const stdio = await startStdio();
  const params = { _meta, notifications: { toolsListChanged: true } };
  stdio.send({ id: 1, method: 'subscriptions/listen', params });
  await waitFor(async () => {
    const listens = { method: 'subscriptions/listen', protocol_version: '2026-07-28', transport: 'stdio' };
    expect((await stdio.scrape()).value('mcp_requests_total', listens)).toBe(1);
  });
});
