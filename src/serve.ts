import { setTimeout as sleep } from 'node:timers/promises';
import type { Application, Environment } from './application.ts';
import type { Settings } from './config/settings.ts';
import { createApp, createOperationsApp } from './http/app.ts';
import { anonymous } from './http/authentication.ts';
import { listen, type Listener } from './http/listener.ts';
import type { OperationsOptions } from './http/operations.ts';
import type { Facts } from './http/status-page/status.ts';
import { Lifecycle, type StopPlan } from './lifecycle.ts';
import { McpEndpoint } from './mcp/endpoint.ts';

/** A server that serves. */
export interface Serving {
  readonly port: number;
  readonly opsPort: number | undefined;
  /** Stops in order; resolves to whether nothing had to be cut off. */
  stop(): Promise<boolean>;
}

/** Opens the ports and serves until stopped. Rejects when a port cannot be opened. */
export async function serve(
  application: Application,
  settings: Settings,
  { logger, now }: Pick<Environment, 'logger' | 'now'>,
): Promise<Serving> {
  const { registry, binding } = application;
  const { server, ops, sessions, metrics } = settings;
  const startedAt = now();
  const lifecycle = new Lifecycle(logger);
  const mcp = new McpEndpoint(binding, { sessions, maxSubscriptions: sessions.maxSubscriptions });
  application.watch({
    sessions: () => mcp.sessions.size,
    sessionsLimit: sessions.max,
    subscriptions: () => mcp.subscriptions,
    subscriptionsLimit: sessions.maxSubscriptions,
  });
  const operations = operationsOf(application, metrics.endpoint, lifecycle);
  /** @param has what the port that asks has: the clients' paths, those of operations, or both */
  const status = (has: { readonly clients: boolean; readonly operations: boolean }): Facts => {
    const here = has.operations ? 'served' : 'operations_port';
    return {
      ...binding.info,
      ready: lifecycle.state === 'ready',
      state: lifecycle.state,
      uptime_seconds: Math.round(now() - startedAt),
      tools: registry.tools.length,
      sessions: mcp.sessions.size,
      sessions_limit: sessions.max,
      links: [
        ...(has.clients ? ['/tools', '/openapi.json'] : []),
        ...(has.operations && operations.metrics ? ['/metrics'] : []),
        ...(has.operations ? ['/readyz'] : []),
      ],
      metrics: !application.activity ? 'not_recorded' : metrics.endpoint ? here : 'not_served',
      activity: has.operations ? (application.activity?.report() ?? null) : null,
    };
  };
  const app = createApp({
    ...binding,
    mcp,
    logger,
    authenticate: application.authenticate,
    activity: application.activity,
    bodyBytes: server.bodyBytes,
    allowedHosts: server.allowedHosts,
    allowedOrigins: server.allowedOrigins,
    trustedProxies: server.trustedProxies,
    operations: ops.port === undefined ? operations : undefined,
    metricsNeedToken: metrics.needToken,
    isDraining: () => lifecycle.state === 'draining',
    status: () => status({ clients: true, operations: ops.port === undefined }),
  });

  const opsListener = await listenForOperations(operations, settings, logger, () =>
    status({ clients: false, operations: true }),
  );
  const main = await listen(app, server);
  lifecycle.started();
  warnIfExposed(application, settings, logger);
  logger.info(
    { host: server.host, port: main.port, ops_port: opsListener?.port, tools: registry.tools.length },
    'ready',
  );

  return {
    port: main.port,
    opsPort: opsListener?.port,
    stop: () => lifecycle.stop(stopPlan(application, mcp, main, opsListener, settings)),
  };
}

/** Probes and metrics of an application. */
export function operationsOf(
  application: Application,
  endpoint: boolean,
  lifecycle: Lifecycle,
): OperationsOptions {
  return {
    metrics: endpoint ? application.expose : undefined,
    failingChecks: () => lifecycle.failingChecks(),
  };
}

/** Opens the operations port, if the settings name one; with `status`, its `/` says that. */
export async function listenForOperations(
  operations: OperationsOptions,
  { server, ops }: Settings,
  logger: Environment['logger'],
  status?: () => Facts,
): Promise<Listener | undefined> {
  if (ops.port === undefined) return undefined;
  const app = createOperationsApp(operations, status, logger);
  return listen(app, { ...server, host: ops.host ?? server.host, port: ops.port });
}

function stopPlan(
  { executor, workers, flush }: Application,
  mcp: McpEndpoint,
  main: Listener,
  ops: Listener | undefined,
  { shutdown }: Settings,
): StopPlan {
  return {
    deadlineSeconds: shutdown.deadlineSeconds,
    steps: [
      { name: 'wait for load balancers', run: () => sleep(shutdown.delaySeconds * 1000) },
      {
        name: 'finish calls',
        run: () => {
          mcp.refuse();
          return executor.drain();
        },
      },
      { name: 'end streams', run: () => mcp.close() },
      { name: 'close the main port', run: () => main.close() },
      { name: 'end workers', run: () => workers.close() },
      { name: 'flush log and traces', run: flush },
      { name: 'close the operations port', run: () => ops?.close() ?? Promise.resolve() },
    ],
    async cut() {
      const calls = executor.inFlight.map(({ name, requestId }) => ({ tool: name, request_id: requestId }));
      const connections = await main.destroy();
      await ops?.destroy();
      return { calls, connections };
    },
  };
}

const LOOPBACK = /^(127\.|::1$|localhost$)/;

function warnIfExposed(
  { authenticate }: Application,
  { server }: Settings,
  logger: Environment['logger'],
): void {
  if (authenticate !== anonymous || LOOPBACK.test(server.host)) return;
  logger.warn(
    { host: server.host },
    'ANYONE WHO REACHES THIS PORT CAN CALL THE TOOLS: it listens beyond loopback without authentication; ' +
      'set auth.tokensFile, or server.host to 127.0.0.1',
  );
}
