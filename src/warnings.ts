import type { Settings } from './config/settings.ts';
import { mayHaveUpstreams } from './load-upstreams.ts';
import type { Catalogue } from './tools/catalogue.ts';

const NO_TOOLS = 'no tool is offered: tools.enabled and tools.disabled leave out all of them';

const NO_KEY =
  'sessions.peers is set without sessions.stateKeyFile: each replica serves only the sessions that it began, they end with its ' +
  'process, and replicas pass nothing on to one another';

const NO_AUDIT_KEY =
  'audit.enabled is set with auth.issuers and without sessions.stateKeyFile: users are hashed with a key that each process makes for ' +
  'itself, so audit events of several processes cannot be compared, and nobody can tell whose a hash is';

const GRPC_PORT =
  'tracing.endpoint has the port 4317, which is usually that of OTLP over gRPC: spans are sent by OTLP over HTTP, whose port is usually 4318';

/** What a search for upstreams is told, where there is none. */
function idleDiscovery({ discovery }: Settings): readonly string[] {
  const { enabled, namespaces, kubeconfig, timeoutSeconds, maxConcurrency } = discovery;
  const given = { namespaces: namespaces[0], kubeconfig, timeoutSeconds, maxConcurrency };
  const names = Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : [`discovery.${name}`],
  );
  if (enabled || names.length === 0) return [];
  return [
    `${names.join(', ')} ${names.length > 1 ? 'have' : 'has'} no effect, because discovery.enabled is not set`,
  ];
}

/** Settings that are valid but probably a mistake, in words for the person who started the server. */
export function warningsOf(settings: Settings, catalogue: Pick<Catalogue, 'tools'>): readonly string[] {
  const { sessions, audit, auth, tracing } = settings;
  const hasKey = sessions.stateKeyFile !== undefined;
  return [
    ...(catalogue.tools.length === 0 && !mayHaveUpstreams(settings) ? [NO_TOOLS] : []),
    ...(sessions.peers.length > 0 && !hasKey ? [NO_KEY] : []),
    ...(audit.enabled && auth.issuers.length > 0 && !hasKey ? [NO_AUDIT_KEY] : []),
    ...(tracing.endpoint !== undefined && new URL(tracing.endpoint).port === '4317' ? [GRPC_PORT] : []),
    ...idleDiscovery(settings),
  ];
}
