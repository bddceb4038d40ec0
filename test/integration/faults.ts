import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { connectClient, ERAS } from '../support/clients.ts';
import { parseMetrics } from '../support/metrics-text.ts';
import type { ServerProcess } from '../support/server-process.ts';
import { waitFor, waitUntil } from '../support/wait.ts';

/** Something that goes wrong, and what the people on call are told of it. */
export interface Fault {
  readonly name: string;
  readonly args?: readonly string[];
  /** Whether it leaves a server that is to be started again. */
  readonly kills?: boolean;
  /** An MCP server whose tools the server offers besides its own; its start resolves to its URL. */
  readonly upstream?: {
    readonly name: string;
    readonly start: () => Promise<string>;
    readonly stop: () => void | Promise<void>;
  };
  /** Starts its server with settings besides its own, where it is another than the usual one. */
  readonly start?: (settings: object) => Promise<ServerProcess>;
  /** What happens while nothing is wrong. Default: some calls that go well. */
  readonly calm?: (server: ServerProcess) => Promise<unknown>;
  readonly begin: (server: ServerProcess) => Ongoing | Promise<Ongoing>;
  /** `alert severity` of each notification that must come. */
  readonly notifies: readonly string[];
  /** Notifications that may come as well, before what inhibits them has begun to fire. */
  readonly mayNotify?: readonly string[];
  /** Whether it fails more calls than a month may: people are told, and nobody is woken, once that lasts. */
  readonly spendsBudget?: boolean;
}

/** A fault that goes on. */
export interface Ongoing {
  /** Lets happen what happens between two scrapes: so many calls, however long this machine takes for them. */
  readonly step: () => Promise<unknown>;
  readonly end?: () => Promise<unknown>;
}

const TOKEN = 'the-only-token-that-is-right';

/** Calls a tool over REST, and returns the HTTP status. */
export async function execute(
  { url }: ServerProcess,
  tool: string,
  args: Record<string, unknown> = {},
  { token = TOKEN, signal = null }: { readonly token?: string; readonly signal?: AbortSignal | null } = {},
): Promise<number> {
  const response = await fetch(`${url}/execute`, {
    method: 'POST',
    signal,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ tool_name: tool, arguments: args }),
  });
  await response.arrayBuffer();
  return response.status;
}

/** So many times at once. */
const times = (count: number, action: () => Promise<unknown>): Promise<unknown> =>
  Promise.all(Array.from({ length: count }, action));

const each =
  (step: (server: ServerProcess) => Promise<unknown>): Fault['begin'] =>
  (server) => ({ step: () => step(server) });

/** Keeps so many slow calls in flight, which end one after the other; with each step at least one more has. */
function keepCallingSlowly(server: ServerProcess, milliseconds: number, lines: number): Ongoing {
  const { signal, ...abort } = abortable();
  let ended = 0;
  const line = async (delay: number): Promise<void> => {
    await sleep(delay, undefined, { signal });
    while (!signal.aborted) {
      await execute(server, 'slow', { milliseconds }, { signal });
      ended += 1;
    }
  };
  const all = Array.from({ length: lines }, (_line, index) =>
    line((index * milliseconds) / lines).catch(() => undefined),
  );
  let seen = 0;
  return {
    step: async () => {
      await waitUntil(() => ended > seen, { timeout: 120_000, interval: 20 });
      seen = ended;
    },
    end: () => {
      abort.now();
      return Promise.all(all);
    },
  };
}

export function abortable(): { readonly signal: AbortSignal; readonly now: () => void } {
  const controller = new AbortController();
  return {
    signal: controller.signal,
    now: () => {
      controller.abort();
    },
  };
}

const JSON_RPC = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

/** Opens a session, and returns its id if there was room for it. */
async function openSession({ url }: ServerProcess): Promise<readonly string[]> {
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'hoarder', version: '1' },
  };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params });
  const response = await fetch(`${url}/mcp`, { method: 'POST', headers: JSON_RPC, body });
  await response.arrayBuffer();
  return [response.headers.get('mcp-session-id')].filter((id) => id !== null);
}

/** Opens sessions and keeps a stream open in each, and goes on trying to open more. */
async function fillSessions(server: ServerProcess, count: number): Promise<Ongoing> {
  const { signal, ...abort } = abortable();
  const ids: string[] = [];
  // A stream ends when nobody holds its response any more, and its session would give way.
  const streams: Response[] = [];
  const headersOf = (id: string) => ({ ...JSON_RPC, 'mcp-session-id': id });
  const open = async (): Promise<void> => {
    for (const id of await openSession(server)) {
      ids.push(id);
      const headers = { ...headersOf(id), accept: 'text/event-stream', 'mcp-protocol-version': '2025-11-25' };
      streams.push(await fetch(`${server.url}/mcp`, { headers, signal }));
    }
  };
  while (ids.length < count) await open();
  return {
    step: open,
    end: () => {
      abort.now();
      streams.length = 0;
      return Promise.all(
        ids.map((id) => fetch(`${server.url}/mcp`, { method: 'DELETE', headers: headersOf(id) })),
      );
    },
  };
}

/** Goes on with a session whose id no key of the server has made. */
async function useLostSession({ url }: ServerProcess): Promise<void> {
  const response = await fetch(`${url}/mcp`, {
    method: 'POST',
    headers: {
      ...JSON_RPC,
      'mcp-session-id': '0d1f6e0c-2c1b-4f0e-9a53-5f2f0a8f3c11',
      'mcp-protocol-version': '2025-11-25',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
  });
  await response.arrayBuffer();
}

/** A client of each era that comes, calls a tool well and a tool that says no, and goes. */
async function converse({ url }: ServerProcess): Promise<void> {
  for (const era of ERAS) {
    const { client, transport } = await connectClient(url, era);
    await client.callTool({ name: 'echo', arguments: { text: 'hi' } });
    await client.callTool({ name: 'fails' });
    await transport.terminateSession();
    await client.close();
  }
}

export const echo = (server: ServerProcess): Promise<number> => execute(server, 'echo', { text: 'hi' });

/** Waits until so many calls are in flight. */
const inFlight = ({ url }: ServerProcess, count: number): Promise<void> =>
  waitFor(async () => {
    const samples = parseMetrics(await (await fetch(`${url}/metrics`)).text());
    expect(samples.value('mcp_tool_calls_in_flight')).toBe(count);
  }, 120_000);

/** Makes calls while both places are taken by calls that last until then. */
async function callWithoutPlaces(server: ServerProcess): Promise<void> {
  const { signal, ...abort } = abortable();
  const taking = times(2, () => execute(server, 'hangs', {}, { signal }).catch(() => undefined));
  await inFlight(server, 2);
  await times(10, () => echo(server));
  abort.now();
  await taking;
  await inFlight(server, 0);
}

/** Holds the event loop for so much of the window that peaks are taken over that one delay in a hundred is a long one. */
async function block(server: ServerProcess): Promise<void> {
  await waitFor(async () => {
    await execute(server, 'blocks', { milliseconds: 700 });
    const samples = parseMetrics(await (await fetch(`${server.url}/metrics`)).text());
    expect(samples.value('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThan(0.6);
  }, 120_000);
}

/** Nothing goes wrong. */
export const healthyCalls = (server: ServerProcess): Promise<unknown> => times(3, () => echo(server));

/** Each has a server of its own; with the first, nothing is wrong that the server could help. */
export const FAULTS: readonly Fault[] = [
  {
    name: 'healthy',
    begin: each((server) => Promise.all([healthyCalls(server), converse(server)])),
    notifies: [],
  },
  {
    name: 'failing-tool',
    spendsBudget: true,
    begin: each((server) => times(10, () => execute(server, 'throws'))),
    notifies: ['NexusMCPOutage critical'],
    mayNotify: [
      'NexusMCPErrorBudgetBurn critical',
      'NexusMCPErrorBudgetBurn warning',
      'NexusMCPToolErrorRateHigh warning',
    ],
  },
  {
    name: 'slow-tool',
    begin: (server) => keepCallingSlowly(server, 5200, 20),
    notifies: ['NexusMCPLatencyBudgetBurn critical', 'NexusMCPToolLatencyHigh warning'],
    mayNotify: ['NexusMCPLatencyBudgetBurn warning'],
  },
  {
    name: 'stuck-tool',
    args: ['--tools.settings', '{slow: {timeoutSeconds: 3600}}'],
    begin: (server) => {
      const { signal, ...abort } = abortable();
      const call = execute(server, 'slow', { milliseconds: 3_500_000 }, { signal }).catch(() => undefined);
      return {
        step: () => Promise.resolve(),
        end: () => {
          abort.now();
          return call;
        },
      };
    },
    notifies: ['NexusMCPCallsStuck critical'],
    mayNotify: ['NexusMCPCallsStuck warning'],
  },
  {
    name: 'killed-server',
    kills: true,
    begin: async (server) => {
      await server.stop('SIGKILL');
      return { step: () => Promise.resolve() };
    },
    notifies: ['NexusMCPDown critical'],
    mayNotify: ['NexusMCPTargetDown warning'],
  },
  {
    name: 'blocked-loop',
    // Somebody restarts it: otherwise it would show for a minute what has ended.
    kills: true,
    begin: (server) => ({ step: () => block(server), end: () => server.stop('SIGKILL') }),
    notifies: ['NexusMCPEventLoopBlocked critical'],
    mayNotify: ['NexusMCPEventLoopLagging warning', 'NexusMCPEventLoopSaturated warning'],
  },
  {
    name: 'full-sessions',
    args: ['--sessions.max', '10'],
    begin: (server) => fillSessions(server, 10),
    notifies: ['NexusMCPSessionsNearLimit warning'],
  },
  {
    name: 'guessed-tokens',
    args: ['--auth.token', TOKEN],
    begin: each((server) =>
      times(10, () => execute(server, 'echo', { text: 'hi' }, { token: `guess-${Math.random()}` })),
    ),
    notifies: ['NexusMCPAuthFailures warning'],
  },
  {
    name: 'lost-sessions',
    begin: each((server) => times(5, () => useLostSession(server))),
    notifies: ['NexusMCPSessionsNotFound warning'],
  },
  {
    name: 'looping-client',
    args: ['--limits.callsPerSecond', '0.01', '--limits.burst', '1'],
    begin: each((server) => times(40, () => echo(server))),
    notifies: ['NexusMCPClientsRateLimited warning'],
  },
  {
    name: 'no-places',
    args: [
      ...['--limits.concurrency', '2', '--limits.queue', '0'],
      ...['--tools.settings', '{hangs: {timeoutSeconds: 3600}}'],
    ],
    spendsBudget: true,
    begin: each(callWithoutPlaces),
    notifies: ['NexusMCPOutage critical', 'NexusMCPOverloaded warning'],
    mayNotify: [
      'NexusMCPErrorBudgetBurn critical',
      'NexusMCPErrorBudgetBurn warning',
      'NexusMCPToolErrorRateHigh warning',
    ],
  },
  {
    name: 'crashing-worker',
    spendsBudget: true,
    begin: each((server) => Promise.all([times(4, () => echo(server)), execute(server, 'exits')])),
    notifies: ['NexusMCPToolErrorRateHigh warning', 'NexusMCPWorkerRestarts warning'],
    mayNotify: ['NexusMCPErrorBudgetBurn critical', 'NexusMCPErrorBudgetBurn warning'],
  },
];
