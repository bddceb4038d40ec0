import type { Application } from './application.ts';
import type { Settings } from './config/settings.ts';
import { Lifecycle } from './lifecycle.ts';
import { connectStdio, type StdioOptions } from './mcp/stdio.ts';
import type { Logger } from './monitoring/logging.ts';
import { openOperationsPort, operationsOf } from './operations-port.ts';
import type { Serving } from './serve.ts';
import { stopPlan } from './stop-plan.ts';

/** Serves one client on stdin and stdout, until it hangs up or the server is stopped. */
export interface ServingStdio extends Pick<Serving, 'stop'> {
  /** Resolves when the client has hung up. */
  readonly ended: Promise<void>;
}

/** Connects to stdin and stdout, and opens the operations port. Rejects when that port cannot be opened. */
export async function serveOverStdio(
  application: Application,
  settings: Settings,
  logger: Logger,
  streams: Pick<StdioOptions, 'stdin' | 'stdout'>,
): Promise<ServingStdio> {
  const lifecycle = new Lifecycle(logger);
  const operations = operationsOf(application, settings.metrics.endpoint, lifecycle);
  await application.upstreams?.prepare();
  const ops = await openOperationsPort(operations, settings, application, logger);
  const connection = connectStdio(application.mcp, {
    ...streams,
    maxMessageBytes: settings.server.bodyBytes,
    maxSubscriptions: settings.sessions.maxSubscriptions,
  });
  application.bindGauges({
    sessions: () => connection.sessions,
    sessionsLimit: 1,
    subscriptionsLimit: settings.sessions.maxSubscriptions,
    connections: ops ? [ops.connections] : [],
  });
  lifecycle.started();
  application.upstreams?.start();
  logger.info({ tools: application.catalogue.tools.length, ops_port: ops?.port }, 'ready');
  const afterCalls = [{ name: 'end the connection', run: () => connection.close() }];
  const main = {
    destroy: () => {
      // That waits for the client to read what was answered, which may be never.
      const { sessions } = connection;
      void connection.close();
      return Promise.resolve(sessions);
    },
  };
  const plan = stopPlan(application, { afterCalls, main, ops }, settings.shutdown.deadlineSeconds);
  return { ended: connection.ended, stop: () => lifecycle.stop(plan) };
}
