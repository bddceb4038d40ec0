import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectClient, connectV1Client } from './support/clients.ts';
import { scrape } from './support/metrics-text.ts';
import { keyFile, freePorts } from './support/replicas.ts';
import { RoundRobin } from './support/round-robin.ts';
import { startServer, type ServerProcess } from './support/server-process.ts';
import { FIXTURE_TOOLS } from './support/test-server.ts';
import { waitUntil } from './support/wait.ts';

const SESSIONS = 60;
const LEAST_CALLS = 1500;

const proxy = new RoundRobin();
const key = keyFile();
/** Operations ports, by which replicas know each other. */
let ports: readonly number[];
/** What serves there. */
const replicas = new Map<number, ServerProcess>();
let url: string;

beforeAll(async () => {
  ports = await freePorts(3);
  const started = await Promise.all(ports.map(async (port) => [port, await startReplica(port)] as const));
  for (const [port, replica] of started) replicas.set(port, replica);
  url = await proxy.listen();
  sendTo();
});
afterAll(async () => {
  proxy.close();
  await Promise.all([...replicas.values()].map((replica) => replica.stop('SIGKILL')));
});

function startReplica(opsPort: number): Promise<ServerProcess> {
  const settings = {
    'ops.port': opsPort,
    'sessions.stateKeyFile': key,
    'sessions.address': '127.0.0.1',
    'sessions.peers': ports.map((port) => `127.0.0.1:${port}`).join(),
    'limits.callsPerSecond': 0,
    'tools.modules': FIXTURE_TOOLS,
    'tools.enabled': 'asks,echo',
    'shutdown.deadlineSeconds': 300,
    // Nobody is idle here, however seldom this machine lets the proxy have its turn.
    'shutdown.idleSeconds': 30,
  };
  return startServer({
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
  });
}

/** Has the proxy send requests to all replicas, or to all but one. */
function sendTo(but?: ServerProcess): void {
  proxy.backends = [...replicas.values()].filter((replica) => replica !== but).map((replica) => replica.url);
}

interface Call {
  readonly name: string;
  readonly arguments: Record<string, unknown>;
}

interface Result {
  readonly content?: unknown;
  readonly _meta?: Record<string, unknown> | undefined;
}

interface Connected {
  readonly index: number;
  readonly callTool: (call: Call) => Promise<Result>;
  readonly close: () => Promise<void>;
  /** Whether each of its calls asks it something. */
  readonly asked: boolean;
}

/** As long as the test has time itself. */
const PATIENTLY = { timeout: 600_000 };

/** Of both lines of the SDK, and some that are asked something with each call. */
async function connect(index: number): Promise<Connected> {
  if (index % 3 === 0) {
    const { client } = await connectV1Client(url);
    const callTool = (call: Call) => client.callTool(call, undefined, PATIENTLY);
    return { index, callTool, close: () => client.close(), asked: false };
  }
  const asked = index % 3 === 1;
  const { client } = await connectClient(
    url,
    '2025-11-25',
    asked ? { capabilities: { elicitation: { form: {} } } } : {},
  );
  if (asked)
    client.setRequestHandler('elicitation/create', () =>
      Promise.resolve({ action: 'accept', content: { name: String(index) } }),
    );
  return {
    index,
    callTool: (call) => client.callTool(call, PATIENTLY),
    close: () => client.close(),
    asked,
  };
}

const isRetryable = ({ _meta }: Result): boolean =>
  (_meta?.['nexus-mcp/failure'] as { retryable?: boolean } | undefined)?.retryable === true;

it(
  'sessions lose nothing where each request may come to any replica, while all are restarted',
  { timeout: 600_000 },
  async () => {
    const clients = await Promise.all(Array.from({ length: SESSIONS }, (_, index) => connect(index)));
    let calls = 0;
    const failures: string[] = [];
    const call = async ({ index, callTool, asked }: Connected): Promise<void> => {
      calls += 1;
      const text = `${index}-${calls}`;
      try {
        const made = asked ? { name: 'asks', arguments: {} } : { name: 'echo', arguments: { text } };
        let result = await callTool(made);
        // Its replica stopped while it waited for the answer.
        while (asked && isRetryable(result)) result = await callTool(made);
        const said = JSON.stringify(result.content);
        if (!said.includes(asked ? `Hello ${index}` : text)) failures.push(said);
      } catch (error) {
        failures.push(String(error));
      }
    };
    let restarting = true;
    const running = clients.map(async (client) => {
      while (restarting || calls < LEAST_CALLS) await call(client);
    });
    for (const [port, replica] of [...replicas]) {
      // Whatever sends requests to it has been told, as Kubernetes does; what it has in hand goes on.
      sendTo(replica);
      expect(await replica.stop()).toBe(0);
      replicas.set(port, await startReplica(port));
      sendTo();
    }
    restarting = false;
    await Promise.all(running);
    expect(failures).toEqual([]);

    // Of one that is killed only what it was doing is lost.
    const [[port, killed] = []] = replicas;
    // Streams that break are opened again at once, and not at its port.
    sendTo(killed);
    // A stream that is on its way there would be refused.
    await waitUntil(() => !proxy.isAwaited(killed?.url ?? ''));
    await killed?.stop('SIGKILL');
    await Promise.all(clients.map(call));
    replicas.set(port ?? 0, await startReplica(port ?? 0));
    sendTo();
    await Promise.all(clients.map(call));
    expect(failures).toEqual([]);
    // An answer to a replica that has stopped is the only one that may have been refused.
    expect([...proxy.statuses].filter((status) => ![200, 202, 409].includes(status))).toEqual([]);

    for (const opsPort of replicas.keys()) {
      const samples = await scrape(`http://127.0.0.1:${opsPort}`);
      const count = (what: string): number =>
        samples.value(`mcp_sessions_${what}_total`, { transport: 'http' }) ?? NaN;
      expect(count('opened') + count('resumed') - count('closed')).toBe(samples.value('mcp_active_sessions'));
      expect(count('resumed')).toBeGreaterThan(0);
      expect(samples.value('mcp_session_not_found_total')).toBe(0);
    }
    await Promise.all(clients.map(({ close }) => close()));
  },
);
