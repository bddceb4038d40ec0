import {
  PROTOCOL_VERSION_META_KEY,
  ProtocolErrorCode,
  type AuthInfo,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type RequestId,
  type Server,
  type Transport,
} from '@modelcontextprotocol/server';
import type { TransportName } from '../monitoring/labels.ts';
import type { McpBinding } from './binding.ts';
import type { ToolCalls } from './tool-calls.ts';

interface Pending {
  readonly request: JSONRPCRequest;
  readonly authInfo: AuthInfo | undefined;
  readonly startedAt: number;
}

/**
 * Counts and times every request a server receives, whatever becomes of it, by watching the messages of the
 * transport it is connected to.
 */
export function observe(
  server: Server,
  transportName: TransportName,
  calls: ToolCalls,
  { monitoring, now, onProtocolError }: Pick<McpBinding, 'monitoring' | 'now' | 'onProtocolError'>,
): void {
  const pending = new Map<RequestId, Pending>();

  const received = (message: JSONRPCMessage, authInfo: AuthInfo | undefined): void => {
    if (!('method' in message)) return;
    if ('id' in message) {
      monitoring.request(message.method, versionOf(message, server), transportName);
      pending.set(message.id, { request: message, authInfo, startedAt: now() });
    } else if (message.method === 'notifications/cancelled') {
      // A cancelled request is not answered, so nothing else would end it here.
      const id = message.params?.['requestId'] as RequestId;
      if (pending.delete(id)) endCancelled(id);
      calls.forget(id);
    }
  };

  // A session's stream would stay open without an answer, and the SDK answers no cancelled request.
  let endCancelled: (id: RequestId) => void = () => undefined;

  const sent = (message: JSONRPCMessage): void => {
    if (!('result' in message || 'error' in message) || message.id === undefined) return;
    const found = pending.get(message.id);
    if (!found) return;
    const { request, authInfo, startedAt } = found;
    pending.delete(message.id);
    if (request.method === 'tools/call') calls.answered(request, authInfo);
    monitoring.operation({
      method: request.method,
      protocolVersion: versionOf(request, server),
      transport: transportName,
      ...(request.method === 'tools/call' && { tool: String(request.params?.['name']) }),
      ...('error' in message && { errorCode: message.error.code }),
      isError: 'result' in message && message.result['isError'] === true,
      seconds: now() - startedAt,
    });
  };

  const connect = server.connect.bind(server);
  server.connect = async (transport: Transport): Promise<void> => {
    await connect(transport);
    const { onmessage } = transport;
    transport.onmessage = (message, extra) => {
      received(message, extra?.authInfo);
      onmessage?.(message, extra);
    };
    const send = transport.send.bind(transport);
    if ('closeSSEStream' in transport) {
      endCancelled = (id) => {
        const error = { code: ProtocolErrorCode.InvalidRequest, message: 'The request was cancelled' };
        send({ jsonrpc: '2.0', id, error }).catch(onProtocolError);
      };
    }
    transport.send = (message, options) => {
      sent(message);
      return send(message, options);
    };
  };
}

function versionOf(request: JSONRPCRequest, server: Server): string | undefined {
  const meta = request.params?._meta as Readonly<Record<string, unknown>> | undefined;
  const asked =
    meta?.[PROTOCOL_VERSION_META_KEY] ??
    (request.method === 'initialize' ? request.params?.['protocolVersion'] : undefined);
  return typeof asked === 'string' ? asked : server.getNegotiatedProtocolVersion();
}
