import { getContainerRuntimeClient, Wait, type ExecResult } from 'testcontainers';
import { startServer } from '../../support/server-process.ts';
import { FIXTURE_TOOLS } from '../../support/test-server.ts';
import { TestContainer } from './container.ts';
import { HOST_NAME, LISTEN_ADDRESS } from './host.ts';
import { serverImage } from './run.ts';

/** Our server, with the fixture tools besides its own and no limit on the rate of calls. */
export interface Replica {
  /** For clients on this machine. */
  readonly url: string;
  /** `host:port`, as containers see it. */
  readonly target: string;
  /** The log so far. */
  readonly logs: readonly Record<string, unknown>[];
  /** Asks it to stop with SIGTERM, and resolves to its exit code. */
  readonly stop: () => Promise<number | null>;
}

const NO_QUOTA = ['--limits.callsPerSecond', '0'];

/** Starts a replica as a process on this machine, on a port of its own choice unless one is given. */
export async function startProcess({
  port = 0,
  args = [],
}: { readonly port?: number; readonly args?: readonly string[] } = {}): Promise<Replica & { port: number }> {
  const server = await startServer({
    args: [
      ...['--server.host', LISTEN_ADDRESS, '--server.port', String(port), '--server.allowedHosts', HOST_NAME],
      ...['--tools.modules', FIXTURE_TOOLS, ...NO_QUOTA, ...args],
    ],
  });
  return {
    port: server.port,
    url: server.url,
    target: `${HOST_NAME}:${server.port}`,
    logs: server.logs,
    stop: () => server.stop(),
  };
}

const PORT = 9999;
const MODULE = '/tools/fixture-tools.ts';

/** A replica in a container. */
export interface ContainerReplica extends Replica {
  readonly exec: (command: readonly string[]) => Promise<ExecResult>;
}

/** Starts a replica from our image, as locked down as the chart runs it. */
export async function startContainer(args: readonly string[] = []): Promise<ContainerReplica> {
  const container = new TestContainer(serverImage())
    .withReadOnlyRoot()
    .withDroppedCapabilities('ALL')
    .withSecurityOpt('no-new-privileges:true')
    .withBindMounts([{ source: FIXTURE_TOOLS, target: MODULE, mode: 'ro' }])
    .withCommand(['--tools.modules', MODULE, ...NO_QUOTA, ...args])
    .withExposedPorts(PORT)
    .withWaitStrategy(Wait.forHttp('/readyz', PORT, { abortOnContainerExit: true }));
  const started = await container.start();
  return {
    url: `http://${started.getHost()}:${started.getMappedPort(PORT)}`,
    target: `${started.getIpAddress('bridge')}:${PORT}`,
    get logs() {
      return container.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    },
    exec: (command) => started.exec([...command]),
    async stop() {
      const client = await getContainerRuntimeClient();
      const running = client.container.getById(started.getId());
      await running.stop({ t: 30 });
      const { State } = await running.inspect();
      await started.stop();
      return State.ExitCode;
    },
  };
}
