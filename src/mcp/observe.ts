import {
  PROTOCOL_VERSION_META_KEY,
  ProtocolErrorCode,
  type AuthInfo,
  type JSONRPCRequest,
  type Server,
  type Transport,
} from '@modelcontextprotocol/server';
import { paramOf, watchDoor, type Request } from '../monitoring/door.ts';
import type { TransportName } from '../monitoring/labels.ts';
import { UNKNOWN_TOOL } from '../tools/outcome.ts';
import type { McpBinding } from './binding.ts';
import type { ToolCalls } from './tool-calls.ts';

/** Has every request of a server observed, and each tools/call counted by the executor or here. */
export function observe(
  server: Server,
  transportName: TransportName,
  calls: ToolCalls,
  { registry, monitoring, tracing, now, onProtocolError }: McpBinding,
): void {
  // A session's stream would stay open without an answer, and the SDK answers no cancelled request.
  let endCancelled: (id: Request['id']) => void = () => undefined;
  watchDoor<Transport>(server, {
    monitoring,
    tracing,
    now,
    transportName: () => transportName,
    versionOf: (request) => versionOf(request, server),
    toolLabel: (name) => (registry.get(name) ? name : UNKNOWN_TOOL),
    connected(transport) {
      if (!('closeSSEStream' in transport)) return;
      const send = transport.send.bind(transport);
      endCancelled = (id) => {
        const error = { code: ProtocolErrorCode.InvalidRequest, message: 'The request was cancelled' };
        send({ jsonrpc: '2.0', id, error }).catch(onProtocolError);
      };
    },
    answered(request, extra) {
      if (request.method !== 'tools/call') return;
      calls.answered(request as JSONRPCRequest, (extra as { authInfo?: AuthInfo } | undefined)?.authInfo);
    },
    dropped({ id }, why) {
      if (why === 'cancelled') endCancelled(id);
      calls.forget(id);
    },
  });
}

function versionOf(request: Request, server: Server): string | undefined {
  const meta = paramOf(request, '_meta') as Readonly<Record<string, unknown>> | undefined;
  const asked =
    meta?.[PROTOCOL_VERSION_META_KEY] ??
    (request.method === 'initialize' ? paramOf(request, 'protocolVersion') : undefined);
  return typeof asked === 'string' ? asked : server.getNegotiatedProtocolVersion();
}
