import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { compiled } from './compile-cache.ts';
import { FIXTURE_TOOLS } from './test-server.ts';
import { parseMetrics, type Samples } from './metrics-text.ts';
import { waitUntil } from './wait.ts';

interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly result?: unknown;
  readonly error?: unknown;
}

/** `nexus-mcp stdio`, spoken to in raw messages. */
export interface RawStdio {
  /** What came back so far. */
  readonly messages: readonly Message[];
  /** What it logged so far. */
  readonly logs: readonly Record<string, unknown>[];
  send(...messages: readonly object[]): void;
  /** Sends a line as it is. */
  sendLine(line: string | Buffer): void;
  /** Stops reading what comes back. */
  stopReading(): void;
  readAgain(): void;
  readonly opsUrl: string;
  /** Resolves to the exit code. */
  readonly ended: Promise<number | null>;
  scrape(): Promise<Samples>;
}

export async function startStdio(more: Record<string, string> = {}): Promise<RawStdio> {
  const options = { 'ops.port': '0', 'tools.modules': FIXTURE_TOOLS, 'log.level': 'info', ...more };
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  const child = spawn(process.execPath, ['src/main.ts', 'stdio', ...flags], { env: compiled() });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  const messages: Message[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    messages.push(JSON.parse(line) as Message);
  });
  // It may end before it has read everything.
  child.stdin.on('error', () => undefined);
  const logs: Record<string, unknown>[] = [];
  let ops = '';
  createInterface({ input: child.stderr }).on('line', (line) => {
    const entry = JSON.parse(line) as Record<string, unknown>;
    logs.push(entry);
    const { ops_port: port } = entry;
    if (typeof port === 'number') ops = `http://127.0.0.1:${port}`;
  });
  await waitUntil(() => ops !== '', { timeout: 60_000 });
  return {
    messages,
    logs,
    opsUrl: ops,
    ended,
    sendLine: (line) => child.stdin.write(Buffer.concat([Buffer.from(line), Buffer.from('\n')])),
    stopReading: () => child.stdout.pause(),
    readAgain: () => child.stdout.resume(),
    send(...sent) {
      child.stdin.write(
        sent.map((message) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`).join(''),
      );
    },
    scrape: async () => parseMetrics(await (await fetch(`${ops}/metrics`)).text()),
  };
}

export const _meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
};
export const echo = (id: number, text: string) => ({
  id,
  method: 'tools/call',
  params: { name: 'echo', arguments: { text }, _meta },
});
