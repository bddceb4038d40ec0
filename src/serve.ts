import { setTimeout as sleep } from 'node:timers/promises';
import type { Application, Environment } from './application.ts';
import type { Settings } from './config/settings.ts';
import { createApp } from './http/app.ts';
import { listen } from './http/listener.ts';
import { reportOf, type Facts } from './http/status-page/status.ts';
import { Lifecycle } from './lifecycle.ts';
import { keyId } from './mcp/seal.ts';
import { McpEndpoint } from './mcp/endpoint.ts';
import type { HeapReading } from './monitoring/metrics/heap.ts';
import { PEER_PATH } from './mcp/peers.ts';
import { openOperationsPort, operationsOf } from './operations-port.ts';
import { stopPlan } from './stop-plan.ts';

/** A server with open ports. */
export interface Serving {
  readonly port: number;
  readonly opsPort: number | undefined;
  /** Stops in order. Resolves to whether every step succeeded and nothing had to be cut off. */
  stop(): Promise<boolean>;
}

/** What surrounds a server with ports. */
export interface ServerEnvironment extends Pick<Environment, 'logger' | 'now'> {
  /** What the event loop of this thread did of late. */
  readonly eventLoop: () => Parameters<typeof reportOf>[0];
  /** How full the heap of this thread is. */
  readonly heap: () => HeapReading;
}

/** Opens the ports and serves until stopped. Rejects when a port cannot be opened. */
export async function serve(
  application: Application,
  settings: Settings,
  { logger, now, eventLoop, heap }: ServerEnvironment,
): Promise<Serving> {
  const { catalogue, info } = application;
  const { server, ops, sessions, metrics, shutdown } = settings;
  const startedAt = now();
  const lifecycle = new Lifecycle(logger);
  const mcp = new McpEndpoint(application.mcp, {
    sessions,
    // Without a common key none of them could open what another passes on.
    peers: { address: sessions.address, names: sessions.stateKeyFile === undefined ? [] : sessions.peers },
    maxSubscriptions: sessions.maxSubscriptions,
  });
  const operations = operationsOf(application, metrics.endpoint, lifecycle);
  /** What `/` says, on a port that has the paths of clients, those of operations, or both. */
  const status = (has: { readonly clients: boolean; readonly operations: boolean }): Facts => {
    const here = has.operations ? 'served' : 'operations_port';
    return {
      ...info,
      ready: lifecycle.state === 'ready',
      state: lifecycle.state,
      uptime_seconds: Math.round(now() - startedAt),
      tools: catalogue.tools.length,
      sessions: mcp.sessions.size,
      sessions_limit: sessions.max,
      links: [
        ...(has.clients ? ['/tools', '/openapi.json'] : []),
        ...(has.operations && operations.metrics ? ['/metrics'] : []),
        ...(has.operations ? ['/readyz'] : []),
      ],
      metrics: !application.activity ? 'not_recorded' : metrics.endpoint ? here : 'not_served',
      activity: has.operations ? (application.activity?.report() ?? null) : null,
      ...(has.operations &&
        application.activity && {
          event_loop: reportOf(eventLoop()),
          heap: heap(),
          places: application.executor.places,
        }),
      ...(has.operations && application.tokens && { token_file: application.tokens.report() }),
      ...(has.operations && application.audit && { audit: application.audit.report() }),
      ...(has.operations && application.oauth && { issuers: application.oauth.report() }),
      ...(has.operations &&
        application.upstreams && {
          upstreams: application.upstreams.report(),
          discovery: application.upstreams.discovery(),
        }),
    };
  };
  const app = createApp({
    ...application,
    mcp,
    relays: application.upstreams,
    logger,
    bodyBytes: server.bodyBytes,
    protectedResource: application.oauth?.resource,
    allowedHosts: [...server.allowedHosts, ...hostOf(settings.auth)],
    allowedOrigins: server.allowedOrigins,
    trustedProxies: server.trustedProxies,
    operations: ops.port === undefined ? operations : undefined,
    metricsNeedToken: metrics.needToken,
    status: () => status({ clients: true, operations: ops.port === undefined }),
  });

  application.oauth?.callers.start();
  await application.upstreams?.prepare();
  const opsListener = await openOperationsPort(
    operations,
    settings,
    application,
    logger,
    () => status({ clients: false, operations: true }),
    {
      path: PEER_PATH,
      receive: (sealed) => mcp.sessions.receive(sealed),
      bodyBytes: server.bodyBytes,
    },
  );
  if (opsListener) mcp.sessions.listensAt(opsListener.port);
  const main = await listen(app, { ...server, onCut: application.connectionCut });
  application.bindGauges({
    sessions: () => mcp.sessions.size,
    sessionsLimit: sessions.max,
    subscriptionsLimit: sessions.maxSubscriptions,
    connections: [main, ...(opsListener ? [opsListener] : [])].map(({ connections }) => connections),
  });
  const stopWatching = application.tokens?.watch(TOKEN_FILE_SECONDS);
  lifecycle.started();
  application.upstreams?.start();
  warnIfExposed(application, settings, logger);
  logger.info(
    {
      host: server.host,
      port: main.port,
      ops_port: opsListener?.port,
      tools: catalogue.tools.length,
      // Replicas that serve the same sessions have the same; the first seals.
      session_keys: application.mcp.stateKeys.map(keyId),
    },
    'ready',
  );

  const transport = {
    whileAccepting: [
      {
        name: 'wait for load balancers',
        run: () => {
          main.startDraining();
          return sleep(shutdown.delaySeconds * 1000);
        },
      },
      {
        name: 'let connections go',
        run: () =>
          main.drain({
            idleSeconds: shutdown.idleSeconds,
            limitSeconds: patienceSeconds(application, settings),
          }),
      },
    ],
    acceptNoSessions: () => {
      mcp.acceptNoSessions();
      application.upstreams?.acceptNone();
    },
    afterCalls: [
      {
        name: 'end streams',
        run: () => {
          application.upstreams?.endRelays();
          return mcp.close();
        },
      },
      { name: 'close the main port', run: () => main.close() },
    ],
    main,
    ops: opsListener,
  };
  let relaysEnd: NodeJS.Timeout | undefined;
  const plan = stopPlan(application, transport, shutdown.deadlineSeconds);
  return {
    port: main.port,
    opsPort: opsListener?.port,
    // Calls are accepted until then.
    stop: () => {
      relaysEnd ??= setTimeout(() => application.upstreams?.endRelays(), relaySeconds(shutdown) * 1000);
      return lifecycle.stop(plan).finally(() => {
        clearTimeout(relaysEnd);
        stopWatching?.();
      });
    },
  };
}

/**
 * How long connections may take to go: as long as a new call can still wait for its place and take all the time of its tool,
 * and in any case long enough for those that are idle.
 */
function patienceSeconds({ catalogue }: Application, { shutdown, limits }: Settings): number {
  const longest = Math.max(0, ...catalogue.tools.map(({ timeoutSeconds }) => timeoutSeconds));
  const left = shutdown.deadlineSeconds - shutdown.delaySeconds;
  return Math.max(left - limits.queueWaitSeconds - longest, Math.min(2 * shutdown.idleSeconds, left / 2));
}

/**
 * How long after the stop began what is relayed may go on: an upstream that says something now and then has no limit of its own.
 * What is left is for the answers that say so, and for the steps that follow.
 */
const relaySeconds = ({ deadlineSeconds }: Settings['shutdown']): number =>
  Math.max(deadlineSeconds - 4, deadlineSeconds / 2);

/** Clients ask by the name that the resource has. */
const hostOf = ({ resource }: Settings['auth']): readonly string[] =>
  resource === undefined ? [] : [new URL(resource).hostname];

/** How often the token file is looked at: a new token is in effect within a minute even where this machine is slow. */
const TOKEN_FILE_SECONDS = 30;

const LOOPBACK = /^(127\.|::1$|localhost$)/;

function warnIfExposed(
  { authenticated }: Application,
  { server }: Settings,
  logger: Environment['logger'],
): void {
  if (authenticated || LOOPBACK.test(server.host)) return;
  logger.warn(
    { host: server.host },
    'ANYONE WHO REACHES THIS PORT CAN CALL THE TOOLS: it listens beyond loopback without authentication; ' +
      'set auth.tokensFile or auth.issuers, or server.host to 127.0.0.1',
  );
}
