import { fileURLToPath } from 'node:url';
import { beHostile, type Random } from './hostile-clients.ts';
import { scrape } from './metrics-text.ts';
import { startServer, type ServerProcess } from './server-process.ts';

const TOOLS = fileURLToPath(new URL('hostile-tools.ts', import.meta.url));

/** A server that hostile clients are let loose on, with the heap that the chart gives it. */
export class BesiegedServer {
  readonly #server: ServerProcess;

  private constructor(server: ServerProcess) {
    this.#server = server;
  }

  static async start(): Promise<BesiegedServer> {
    const server = await startServer({
      args: [
        ...['--tools.modules', TOOLS, '--server.trustedProxies', '1'],
        // So that what is abandoned is given up while somebody watches.
        ...[
          '--sessions.idleSeconds',
          '1',
          '--server.requestTimeoutSeconds',
          '2',
          '--limits.inputWaitSeconds',
          '3',
        ],
      ],
      env: { NODE_OPTIONS: '--max-old-space-size=512' },
    });
    return new BesiegedServer(server);
  }

  /** Sends it hostile requests. Resolves when all have been answered or given up. Rejects when it is gone. */
  endure(requests: number, random: Random): Promise<void> {
    return beHostile(this.#server.url, requests, random);
  }

  /** What is left of what was asked: calls, sessions and answers that wait; empty when nothing is. */
  async left(): Promise<Readonly<Record<string, number>>> {
    const samples = await scrape(this.#server.url);
    const value = (name: string): number => samples.value(name) ?? Number.NaN;
    const all = {
      'calls in flight': value('mcp_tool_calls_in_flight'),
      sessions: value('mcp_active_sessions'),
      'sessions that were not closed':
        value('mcp_sessions_opened_total') +
        value('mcp_sessions_resumed_total') -
        value('mcp_sessions_closed_total'),
      // What asks is in hand itself.
      'bytes kept for clients': Math.max(0, value('http_server_buffered_bytes') - 10_000),
    };
    return Object.fromEntries(Object.entries(all).filter(([, count]) => count !== 0));
  }

  /** Bytes in use, once what nobody needs is gone. */
  async memory(): Promise<number> {
    const answer = await fetch(`${this.#server.url}/execute`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': '10.9.9.9' },
      body: JSON.stringify({ tool_name: 'heap' }),
    });
    return Number(((await answer.json()) as { readonly result: unknown }).result);
  }

  /** Seconds that a probe takes. */
  async probe(): Promise<number> {
    const startedAt = performance.now();
    await (await fetch(`${this.#server.url}/livez`)).text();
    return (performance.now() - startedAt) / 1000;
  }

  /** Resolves to the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null> {
    return this.#server.stop(signal);
  }
}
