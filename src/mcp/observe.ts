import {
  ProtocolErrorCode,
  type AuthInfo,
  type JSONRPCRequest,
  type Server,
  type Transport,
} from '@modelcontextprotocol/server';
import { watchDoor } from '../monitoring/door.ts';
import type { TransportName } from '../monitoring/labels.ts';
import { statedVersion, type RpcRequest } from '../monitoring/message.ts';
import { UNKNOWN_TOOL } from '../tools/outcome.ts';
import type { McpBinding } from './binding.ts';
import type { ToolCalls } from './tool-calls.ts';

/** Has every request of a server observed, and each tools/call counted, by the executor or here. */
export function observe(
  server: Server,
  transportName: TransportName,
  calls: ToolCalls,
  { registry, recorder, tracing, now, onError, onProtocolError }: McpBinding,
): void {
  watchDoor<Transport>(server, (transport) => {
    const endCancelled = cancelledEnder(transport, onProtocolError);
    return {
      recorder,
      tracing,
      now,
      onError,
      transportName,
      versionOf: (request) => statedVersion(request) ?? server.getNegotiatedProtocolVersion(),
      toolLabel: (name) => (registry.get(name) ? name : UNKNOWN_TOOL),
      answered(request, extra) {
        if (request.method !== 'tools/call') return;
        calls.answered(request as JSONRPCRequest, (extra as { authInfo?: AuthInfo } | undefined)?.authInfo);
      },
      dropped({ id }, why) {
        if (why === 'cancelled') endCancelled(id);
        calls.forget(id);
      },
    };
  });
}

/** Answers cancelled requests where a stream would stay open without: the SDK answers none. */
function cancelledEnder(
  transport: Transport,
  onProtocolError: McpBinding['onProtocolError'],
): (id: RpcRequest['id']) => void {
  if (!('closeSSEStream' in transport)) return () => undefined;
  const send = transport.send.bind(transport);
  return (id) => {
    const error = { code: ProtocolErrorCode.InvalidRequest, message: 'The request was cancelled' };
    send({ jsonrpc: '2.0', id, error }).catch(onProtocolError);
  };
}
