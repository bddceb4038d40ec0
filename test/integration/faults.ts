import { setTimeout as sleep } from 'node:timers/promises';
import { connectClient, ERAS } from '../support/clients.ts';
import type { ServerProcess } from '../support/server-process.ts';

type Stop = () => Promise<void>;

/** Something that goes wrong, and what the people on call are told of it. */
export interface Fault {
  readonly name: string;
  readonly args?: readonly string[];
  /** What a client may do; default: no limit. */
  readonly callsPerSecond?: number;
  readonly kills?: boolean;
  readonly inject: (server: ServerProcess) => Promise<Stop>;
  /** `alert severity` of each notification that must come. */
  readonly notifies: readonly string[];
  /** Notifications that may come as well, before what inhibits them has begun to fire. */
  readonly mayNotify?: readonly string[];
  /** Whether it fails more calls than a month may: people are told, and nobody is woken, once that lasts. */
  readonly spendsBudget?: boolean;
}

const TOKEN = 'the-only-token-that-is-right';

async function execute(
  { url }: ServerProcess,
  tool: string,
  args: Record<string, unknown>,
  signal: AbortSignal,
  token = TOKEN,
): Promise<void> {
  const response = await fetch(`${url}/execute`, {
    method: 'POST',
    signal,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ tool_name: tool, arguments: args }),
  });
  await response.arrayBuffer();
}

interface Pace {
  readonly lines?: number;
  readonly pauseMs?: number;
  /** What a call takes, where that is long. */
  readonly callMs?: number;
}

/** Makes calls one after the other in a number of lines, with a pause between them, until told to stop. */
function keepCalling(
  call: (signal: AbortSignal) => Promise<void>,
  { lines = 1, pauseMs = 100, callMs = 0 }: Pace = {},
): Stop {
  const abort = new AbortController();
  const { signal } = abort;
  const line = async (index: number): Promise<void> => {
    // The lines start apart, so that calls end all the time and not in waves, between which they look stuck.
    await sleep(((callMs + pauseMs) * index) / lines, undefined, { signal });
    while (!signal.aborted) {
      await call(signal);
      await sleep(pauseMs, undefined, { signal });
    }
  };
  const all = Array.from({ length: lines }, (_, index) => line(index).catch(() => undefined));
  return async () => {
    abort.abort();
    await Promise.all(all);
  };
}

const calls =
  (tool: string, args: Record<string, unknown>, pace: Pace = {}) =>
  (server: ServerProcess): Promise<Stop> =>
    Promise.resolve(keepCalling((signal) => execute(server, tool, args, signal), pace));

/** Opens sessions and keeps them, and goes on trying to open more. */
async function fillSessions({ url }: ServerProcess, count: number): Promise<Stop> {
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'hoarder', version: '1' },
  };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params });
  const ids: string[] = [];
  const open = async (signal?: AbortSignal): Promise<void> => {
    const response = await fetch(`${url}/mcp`, { method: 'POST', headers, body, signal: signal ?? null });
    await response.arrayBuffer();
    const id = response.headers.get('mcp-session-id');
    if (id !== null) ids.push(id);
  };
  while (ids.length < count) await open();
  const stop = keepCalling(open);
  return async () => {
    await stop();
    await Promise.all(
      ids.map((id) =>
        fetch(`${url}/mcp`, { method: 'DELETE', headers: { ...headers, 'mcp-session-id': id } }),
      ),
    );
  };
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

/** Both at a time. */
const together =
  (...injects: readonly Fault['inject'][]) =>
  async (server: ServerProcess): Promise<Stop> => {
    const stops = await Promise.all(injects.map((inject) => inject(server)));
    return async () => {
      await Promise.all(stops.map((stop) => stop()));
    };
  };

/** Goes on with a session that the server does not have. */
async function useLostSession({ url }: ServerProcess, signal: AbortSignal): Promise<void> {
  const response = await fetch(`${url}/mcp`, {
    method: 'POST',
    signal,
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-session-id': '0d1f6e0c-2c1b-4f0e-9a53-5f2f0a8f3c11',
      'mcp-protocol-version': '2025-11-25',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
  });
  await response.arrayBuffer();
}

/** Nothing goes wrong. */
export const healthyTraffic = calls('echo', { text: 'hi' });

/** Each has a server of its own; with the first, nothing is wrong that the server could help. */
export const FAULTS: readonly Fault[] = [
  {
    name: 'healthy',
    inject: together(healthyTraffic, (server) => Promise.resolve(keepCalling(() => converse(server)))),
    notifies: [],
  },
  {
    name: 'failing-tool',
    spendsBudget: true,
    inject: calls('throws', {}, { lines: 2 }),
    notifies: ['NexusMCPOutage critical'],
    mayNotify: [
      'NexusMCPErrorBudgetBurn critical',
      'NexusMCPErrorBudgetBurn warning',
      'NexusMCPToolErrorRateHigh warning',
    ],
  },
  {
    name: 'slow-tool',
    inject: calls('slow', { milliseconds: 2600 }, { lines: 40, callMs: 2600 }),
    notifies: ['NexusMCPLatencyBudgetBurn critical', 'NexusMCPToolLatencyHigh warning'],
    mayNotify: ['NexusMCPLatencyBudgetBurn warning'],
  },
  {
    name: 'stuck-tool',
    args: ['--tools.settings', '{slow: {timeoutSeconds: 600}}'],
    inject: calls('slow', { milliseconds: 590_000 }),
    notifies: ['NexusMCPCallsStuck critical'],
    mayNotify: ['NexusMCPCallsStuck warning'],
  },
  {
    name: 'killed-server',
    kills: true,
    inject: async (server) => {
      await server.stop('SIGKILL');
      return () => Promise.resolve();
    },
    notifies: ['NexusMCPDown critical'],
    // The start after it blocks the loop as long as ever, while windows are shortened.
    mayNotify: ['NexusMCPTargetDown warning', 'NexusMCPEventLoopBlocked critical'],
  },
  {
    name: 'blocked-loop',
    // The pauses let scrapes through: it is late, not gone.
    inject: calls('blocks', { milliseconds: 150 }, { pauseMs: 20 }),
    notifies: ['NexusMCPEventLoopBlocked critical'],
    mayNotify: ['NexusMCPEventLoopLagging warning', 'NexusMCPEventLoopSaturated warning'],
  },
  {
    name: 'full-sessions',
    args: ['--sessions.max', '10'],
    inject: (server) => fillSessions(server, 10),
    notifies: ['NexusMCPSessionsNearLimit warning'],
  },
  {
    name: 'guessed-tokens',
    args: ['--auth.token', TOKEN],
    inject: (server) =>
      Promise.resolve(
        keepCalling((signal) => execute(server, 'echo', { text: 'hi' }, signal, `guess-${Math.random()}`), {
          lines: 2,
          pauseMs: 50,
        }),
      ),
    notifies: ['NexusMCPAuthFailures warning'],
  },
  {
    name: 'lost-sessions',
    inject: (server) =>
      Promise.resolve(keepCalling((signal) => useLostSession(server, signal), { lines: 2 })),
    notifies: ['NexusMCPSessionsNotFound warning'],
  },
  {
    name: 'looping-client',
    callsPerSecond: 1,
    args: ['--limits.burst', '1'],
    inject: calls('echo', { text: 'hi' }, { lines: 15 }),
    notifies: ['NexusMCPClientsRateLimited warning'],
  },
  {
    name: 'no-places',
    args: ['--limits.concurrency', '2', '--limits.queue', '0'],
    spendsBudget: true,
    inject: calls('slow', { milliseconds: 1000 }, { lines: 8 }),
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
    inject: together(calls('echo', { text: 'hi' }, { lines: 4 }), calls('exits', {}, { pauseMs: 1000 })),
    notifies: ['NexusMCPToolErrorRateHigh warning', 'NexusMCPWorkerRestarts warning'],
    mayNotify: ['NexusMCPErrorBudgetBurn critical', 'NexusMCPErrorBudgetBurn warning'],
  },
];
