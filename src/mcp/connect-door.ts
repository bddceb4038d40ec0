import type { AuthInfo, Transport } from '@modelcontextprotocol/server';
import type { Connection, ConnectionOptions } from '../monitoring/door/connection.ts';
import type { Pending } from '../monitoring/door/pending.ts';
import { passThroughDoor } from '../monitoring/door/door-adapter.ts';
import { ERROR_CODES, refusal } from '../monitoring/door/json-rpc.ts';
import type { Peer } from '../monitoring/door/peer.ts';
import type { TransportName } from '../monitoring/metrics/labels.ts';
import { fieldOf, toolNameOf, type Message, type RpcRequest } from '../monitoring/door/message.ts';
import { failed, type Failure, type ToolCall } from '../tools/call.ts';
import { UNKNOWN_TOOL } from '../tools/reasons.ts';
import type { McpBinding } from './binding.ts';
import { whyStateRefused } from './request-state.ts';
import { senderIn } from './sender.ts';
import { sessionName } from './session-id.ts';
import { reworded } from './words.ts';

export interface DoorConnectionOptions {
  readonly transport: TransportName;
  /** Whether cancelled requests are answered, because a stream of answers would stay open for them. */
  readonly answersCancelled?: boolean;
  /** The client, where it said who it is elsewhere. */
  readonly peer?: Peer | undefined;
  /** Why calls are refused that do not reach the executor. Default: the SDK refuses them for what they say. */
  readonly refusedAs?: Failure | undefined;
}

/**
 * Takes the messages of a transport that is in use through the door, so that every request is measured there. A tools/call
 * that reaches the executor is counted there, and one that does not is counted here, unless its client leaves before the SDK
 * has refused it.
 */
export function connectDoor(
  transport: Transport,
  options: DoorConnectionOptions,
  binding: McpBinding,
): Connection<ToolCall> {
  const connection = binding.door.connect(connectionOptions(transport, options, binding));
  passThroughDoor(transport, connection);
  rewordErrors(transport);
  return connection;
}

/** Puts the errors that a transport sends in words for whoever reads them, before they come to the door. */
export function rewordErrors(transport: Transport): void {
  const send = transport.send.bind(transport);
  transport.send = (message, options) => send(reworded(message), options);
}

/** Counts a request over HTTP that was refused before there was a server for it. */
export function countRefused(
  request: RpcRequest,
  answer: Message,
  authInfo: AuthInfo,
  binding: McpBinding,
  options: Pick<DoorConnectionOptions, 'peer' | 'refusedAs'> = {},
): void {
  const connection = binding.door.connect(
    connectionOptions(nowhere, { transport: 'http', ...options }, binding),
  );
  const pending = connection.begin(request, { authInfo });
  if (pending) connection.answer(pending, answer);
}

/** For requests of which no transport of the SDK's has the messages. */
export const nowhere: Pick<Transport, 'send'> = { send: () => Promise.resolve() };

/** How requests are counted that the SDK refuses, and that are cancelled on their way to the executor. */
export function connectionOptions(
  transport: Pick<Transport, 'send' | 'sessionId'>,
  {
    transport: transportName,
    answersCancelled = false,
    peer: knownPeer,
    refusedAs = failed('invalid_arguments', 'refused by the protocol layer', { why: NO_CALL }),
  }: DoorConnectionOptions,
  { catalogue, executor, newRequestId, onProtocolError }: McpBinding,
): ConnectionOptions<ToolCall> {
  const send = transport.send.bind(transport);
  const nameOfSession = (): string | undefined =>
    transport.sessionId === undefined ? undefined : sessionName(transport.sessionId);
  const countIfUnheld = ({ request, extra, peer, held }: Pending<ToolCall>, failure: Failure): void => {
    if (request.method !== 'tools/call' || held) return;
    const { authInfo } = (extra ?? {}) as { readonly authInfo?: AuthInfo };
    const call: ToolCall = {
      ...senderIn(authInfo, transportName, newRequestId),
      name: toolNameOf(request),
      arguments: undefined,
      entrance: 'mcp',
      sessionId: nameOfSession(),
      clientName: peer.name,
      clientVersion: peer.version,
      canElicit: false,
      signal: neverAborts,
    };
    executor.recordRefused(call, failure);
  };
  return {
    transport: transportName,
    sessionId: nameOfSession,
    toolLabel: (name) => (catalogue.get(name) ? name : UNKNOWN_TOOL),
    peer: knownPeer,
    answered(pending, answer) {
      // The SDK refused it before it reached the executor, for example because `arguments` is not an object.
      const why = whyStateRefused(fieldOf(answer, 'error')) ?? refusedAs.why;
      countIfUnheld(pending, { ...refusedAs, why });
    },
    dropped(pending, why) {
      if (why !== 'cancelled') return;
      // The SDK answers no cancelled request. Sent directly: the door has dropped this one.
      const { id } = pending.request;
      if (answersCancelled)
        send(refusal(ERROR_CODES.invalidRequest, 'The request was cancelled', id)).catch(onProtocolError);
      // It may still be on its way to the executor.
      setImmediate(() => {
        countIfUnheld(pending, failed('cancelled', 'cancelled before it was carried out'));
      });
    },
  };
}

/** For the log, which quotes nothing that a client sent. The client is told what exactly is wrong. */
const NO_CALL = 'it is no valid tools/call request';

const neverAborts = new AbortController().signal;
