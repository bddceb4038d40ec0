/**
 * Traffic for the demonstration: a few clients of each kind call a server's tools, at a modest rate and for as long
 * as they are let, so that every way a call can end is in the metrics within a minute.
 *
 * Usage: node demo/traffic.ts http://localhost:9999
 */
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

type Args = Record<string, unknown>;
type Call = (tool: string, args?: Args, signal?: AbortSignal) => Promise<unknown>;

/** The tokens of demo/server/tokens.yaml. */
type Bearer = 'assistant' | 'visitor' | 'crawler';

const bearer = (name: Bearer): Record<string, string> => ({ authorization: `Bearer demo-${name}-token` });

type Era = '2026-07-28' | '2025-11-25';

async function connect(
  url: string,
  era: Era,
  name: Bearer,
): Promise<[Client, StreamableHTTPClientTransport]> {
  const mode = era === '2026-07-28' ? { pin: era } : ('legacy' as const);
  const client = new Client({ name: `demo-${name}`, version: '1.0.0' }, { versionNegotiation: { mode } });
  const requestInit = { headers: bearer(name) };
  const transport = new StreamableHTTPClientTransport(new URL('/mcp', url), { requestInit });
  await client.connect(transport);
  return [client, transport];
}

/** Calls as an MCP client does, in an era; connects anew when the server has forgotten it. */
function mcp(url: string, era: Era, name: Bearer): Call {
  let connected: ReturnType<typeof connect> | undefined;
  return async (tool, args = {}) => {
    try {
      const [client] = await (connected ??= connect(url, era, name));
      return await client.callTool({ name: tool, arguments: args });
    } catch (error) {
      connected = undefined;
      throw error;
    }
  };
}

/** Calls as a script does. */
const rest =
  (url: string, name: Bearer): Call =>
  async (tool, args = {}, signal) => {
    const response = await fetch(new URL('/execute', url), {
      method: 'POST',
      headers: { ...bearer(name), 'content-type': 'application/json' },
      body: JSON.stringify({ tool_name: tool, arguments: args }),
      ...(signal && { signal }),
    });
    return response.arrayBuffer();
  };

interface Habit {
  readonly everySeconds: number;
  readonly act: () => Promise<unknown>;
}

/** What each client does again and again: about twelve calls a second in all. */
function habitsAt(url: string): readonly Habit[] {
  const modern = mcp(url, '2026-07-28', 'assistant');
  const legacy = mcp(url, '2025-11-25', 'assistant');
  const visitor = mcp(url, '2026-07-28', 'visitor');
  const crawler = rest(url, 'crawler');
  const script = rest(url, 'assistant');
  const word = (): string => Math.random().toString(36).slice(2);
  return [
    { everySeconds: 0.5, act: () => modern('add', { a: Math.random(), b: 3 }) },
    { everySeconds: 0.5, act: () => legacy('current_timestamp') },
    { everySeconds: 0.7, act: () => script('generate_hash', { text: word(), algorithm: 'sha256' }) },
    { everySeconds: 1, act: () => visitor('current_timestamp') },
    { everySeconds: 0.6, act: () => modern('demo_weather') },
    { everySeconds: 0.8, act: () => legacy('demo_translate') },
    { everySeconds: 0.8, act: () => script('demo_search') },
    // The faults of callers.
    { everySeconds: 5, act: () => script('divide', { a: 1, b: 0 }) },
    { everySeconds: 7, act: () => modern('add', { a: 'five' }) },
    { everySeconds: 11, act: () => script('no_such_tool') },
    { everySeconds: 9, act: () => visitor('generate_uuid4') },
    { everySeconds: 6, act: () => script('demo_slow_report', {}, AbortSignal.timeout(300)) },
    { everySeconds: 20, act: () => atOnce(60, () => crawler('current_timestamp')) },
    // More reports than the server makes at a time.
    { everySeconds: 12, act: () => atOnce(3, () => legacy('demo_slow_report')) },
    // A session that ends, and a token that is wrong.
    { everySeconds: 10, act: () => visit(url) },
    {
      everySeconds: 15,
      act: () => fetch(new URL('/tools', url), { headers: { authorization: 'Bearer nonsense' } }),
    },
  ];
}

const atOnce = (count: number, call: () => Promise<unknown>): Promise<unknown> =>
  Promise.allSettled(Array.from({ length: count }, call));

/** Comes in a session, looks around, and leaves. */
async function visit(url: string): Promise<void> {
  const [client, transport] = await connect(url, '2025-11-25', 'visitor');
  await client.listTools();
  await transport.terminateSession();
  await client.close();
}

async function repeat({ everySeconds, act }: Habit, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    // Most of what goes wrong here is meant to.
    await act().catch(() => undefined);
    await sleep(everySeconds * 1000 * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined);
  }
}

/** Waits until the server is ready, then makes traffic until it may no longer. */
async function makeTraffic(url: string, signal: AbortSignal): Promise<void> {
  while (!(await isReady(url))) await sleep(500, undefined, { signal });
  const habits = habitsAt(url);
  process.stdout.write(`Calling the tools of ${url}\n`);
  await Promise.all(habits.map((habit) => repeat(habit, signal)));
}

const isReady = (url: string): Promise<boolean> =>
  fetch(new URL('/readyz', url)).then(
    ({ ok }) => ok,
    () => false,
  );

const [url] = process.argv.slice(2);
if (url === undefined || !URL.canParse(url)) {
  process.stderr.write('usage: node demo/traffic.ts http://localhost:9999\n');
  process.exit(2);
}
const stopped = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    stopped.abort();
    process.exit(0);
  });
}
await makeTraffic(url, stopped.signal);
