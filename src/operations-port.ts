import type { Application } from './application.ts';
import type { Settings } from './config/settings.ts';
import { createOperationsApp } from './http/app.ts';
import { listen, type Listener } from './http/listener.ts';
import type { OperationsOptions } from './http/operations.ts';
import type { PeerOptions } from './http/peers.ts';
import type { Facts } from './http/status-page/status.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Logger } from './monitoring/logging.ts';

/** Probes and metrics of an application; `endpoint` says whether metrics are served. */
export function operationsOf(
  { expose }: Pick<Application, 'expose'>,
  endpoint: boolean,
  lifecycle: Lifecycle,
): OperationsOptions {
  return {
    metrics: endpoint ? expose : undefined,
    failingChecks: () => lifecycle.failingChecks(),
  };
}

/**
 * Opens the operations port, if the settings name one. Rejects when it cannot be opened.
 * @param status what `/` says there; left out, there is no `/`
 * @param peers takes what other replicas pass on; left out, nothing is taken
 */
export async function openOperationsPort(
  operations: OperationsOptions,
  { server, ops }: Settings,
  { connectionCut }: Pick<Application, 'connectionCut'>,
  logger: Logger,
  status?: () => Facts,
  peers?: PeerOptions,
): Promise<Listener | undefined> {
  if (ops.port === undefined) return undefined;
  const app = createOperationsApp(operations, status, logger, peers);
  const host = ops.host ?? server.host;
  return listen(app, { ...server, host, port: ops.port, onCut: connectionCut });
}
