import type { AuthInfo, Transport } from '@modelcontextprotocol/server';
import type { Connection, Pending } from '../monitoring/connection.ts';
import { passThroughDoor } from '../monitoring/door-adapter.ts';
import { ERROR_CODES, refusal } from '../monitoring/json-rpc.ts';
import type { TransportName } from '../monitoring/labels.ts';
import { toolNameOf } from '../monitoring/message.ts';
import { failed, type ToolCall } from '../tools/call.ts';
import { UNKNOWN_TOOL } from '../tools/reasons.ts';
import type { McpBinding } from './binding.ts';
import { originIn } from './caller.ts';

/**
 * Takes the messages of a transport that is in use through the door, so that every request is observed, and each tools/call
 * counted, by the executor or here.
 * @param received is called with each request that came in
 */
export function observe(
  transport: Transport,
  transportName: TransportName,
  { catalogue, door, executor, newRequestId, onProtocolError }: McpBinding,
  received?: (pending: Pending<ToolCall>) => void,
): Connection<ToolCall> {
  // Past the door: the cancelled request is no longer in flight there.
  const send = transport.send.bind(transport);
  const connection = door.connect({
    transport: transportName,
    sessionId: () => transport.sessionId,
    toolLabel: (name) => (catalogue.get(name) ? name : UNKNOWN_TOOL),
    received,
    answered({ request, extra, peer, held }) {
      if (request.method !== 'tools/call' || held) return;
      // The SDK refused it before it reached the executor, for example because `arguments` is not an object.
      const { authInfo } = (extra ?? {}) as { readonly authInfo?: AuthInfo };
      const call: ToolCall = {
        ...originIn(authInfo, transportName, newRequestId),
        name: toolNameOf(request),
        arguments: undefined,
        entrance: 'mcp',
        sessionId: transport.sessionId,
        clientName: peer.name,
        clientVersion: peer.version,
        canElicit: false,
        signal: neverAborts,
      };
      executor.refuse(call, failed('invalid_arguments', 'refused by the protocol layer'));
    },
    dropped({ request: { id } }, why) {
      // The SDK answers no cancelled request, and a session's stream of answers would stay open for it.
      if (why === 'cancelled' && 'closeSSEStream' in transport)
        send(refusal(ERROR_CODES.invalidRequest, 'The request was cancelled', id)).catch(onProtocolError);
    },
  });
  passThroughDoor(transport, connection);
  return connection;
}

const neverAborts = new AbortController().signal;
