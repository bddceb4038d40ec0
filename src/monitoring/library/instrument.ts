import { trustedCaller } from '../../authorization/caller.ts';
import type { ToolCall } from '../../tools/call.ts';
import { UNKNOWN_TOOL } from '../../tools/reasons.ts';
import { outcomeOf } from './answer.ts';
import type { Connection } from '../door/connection.ts';
import type { Pending } from '../door/pending.ts';
import { onConnected, passThroughDoor, type DoorTransport } from '../door/door-adapter.ts';
import type { TransportName } from '../metrics/labels.ts';
import { fieldOf, headerOf, paramOf, toolNameOf, type Message } from '../door/message.ts';
import { agreedRevision, named, type Peer } from '../door/peer.ts';
import { givenRequestId } from '../door/request-id.ts';
import { lostClient, lowOf, type InstrumentableServer, type LowServer } from './server-shape.ts';
import { identify, recordOf, secondsInTool, type InstrumentedCall } from './instrumented-call.ts';
import {
  InstrumentedServer,
  type InstrumentOptions,
  type InstrumentationParts,
} from './instrumented-server.ts';
import type { LiveSessions } from '../live-sessions.ts';

const MAX_CALLER_TEXT = 100;

/** Observes a server that is not ours, by what ours is observed by: its connection, if it has one, and those to come. */
export function instrument(
  server: InstrumentableServer,
  options: InstrumentOptions,
  parts: InstrumentationParts,
): void {
  const instrumented = new InstrumentedServer(server, options, parts);
  onConnected(lowOf(server), (transport, inUse) => {
    const { connection } = new InstrumentedConnection(instrumented, transport, parts, inUse);
    passThroughDoor(transport, connection);
    return connection;
  });
}

/** A server on one transport. */
class InstrumentedConnection {
  readonly connection: Connection<InstrumentedCall>;
  readonly #server: InstrumentedServer;
  readonly #transport: DoorTransport;
  readonly #transportName: TransportName;
  readonly #parts: InstrumentationParts;
  #endSession: ReturnType<LiveSessions['begin']> | undefined;

  /** @param inUse whether requests came before, which nobody saw */
  constructor(
    server: InstrumentedServer,
    transport: DoorTransport,
    parts: InstrumentationParts,
    inUse: boolean,
  ) {
    this.#server = server;
    this.#transport = transport;
    this.#transportName = server.transportName(transport);
    this.#parts = parts;
    server.connected();
    // Without HTTP in between, the connection is the session.
    if (this.#transportName === 'stdio' || (inUse && transport.sessionId !== undefined))
      this.#endSession = parts.sessions.begin(this.#transportName);
    this.connection = parts.door.connect({
      transport: this.#transportName,
      sessionId: () => transport.sessionId,
      toolLabel: (name) => server.toolLabel(name),
      peer: inUse ? peerOf(server.low) : undefined,
      received: (pending) => {
        if (pending.request.method === 'tools/call') this.#begin(pending);
      },
      settles: ({ held }, answer) => (outcomeOf(answer).status === 'error' ? held?.asking : undefined),
      answered: (pending, answer, seconds) => {
        const { method } = pending.request;
        if (method === 'tools/call') this.#finish(pending, answer, seconds);
        if (method === 'initialize') this.#initialized(answer);
        if (method === 'tools/list') server.learnListed(answer);
      },
      dropped: (pending) => {
        this.#drop(pending);
      },
      closed: () => {
        const reason = server.closed && !lostClient(transport) ? 'shutdown' : 'client';
        this.#endSession?.({ reason, protocolVersion: this.connection.peer.revision });
      },
    });
  }

  #initialized(answer: Message): void {
    if (agreedRevision(answer) === undefined || this.#transport.sessionId === undefined) return;
    this.#endSession ??= this.#parts.sessions.begin('http');
  }

  #begin(pending: Pending<InstrumentedCall>): void {
    const { startedAt, peer } = pending;
    const call = this.#callOf(pending);
    const tool = this.#server.toolLabel(call.name);
    const missing = tool === UNKNOWN_TOOL && this.#server.registersTools;
    pending.held = { call, startedAt, peer, tool, missing, reported: false, finished: false };
    if (tool !== UNKNOWN_TOOL) this.#parts.observer.started(tool, startedAt);
    this.#server.watchHandler();
  }

  #finish({ held }: Pending<InstrumentedCall>, answer: Message, seconds: number): void {
    if (!held) return;
    // A server that answers a call with success has the tool.
    if (outcomeOf(answer).status === 'success') identify(held, this.#parts);
    held.finished = true;
    this.#parts.observer.finished(recordOf(held, answer, seconds));
  }

  #drop({ held }: Pending<InstrumentedCall>): void {
    if (!held) return;
    held.finished = true;
    const { call, tool, startedAt } = held;
    const now = this.#parts.now();
    this.#parts.observer.finished({
      status: 'error',
      reason: 'cancelled',
      message: 'cancelled',
      tool,
      call,
      endedAt: now,
      totalSeconds: now - startedAt,
      runSeconds: secondsInTool(held, now),
      resultBytes: undefined,
    });
  }

  #callOf({ request, extra, peer }: Pending<InstrumentedCall>): ToolCall {
    const { tracing, newRequestId } = this.#parts;
    const clientId = fieldOf(fieldOf(extra, 'authInfo'), 'clientId');
    return {
      name: toolNameOf(request),
      arguments: paramOf(request, 'arguments'),
      caller: trustedCaller(typeof clientId === 'string' ? clientId.slice(0, MAX_CALLER_TEXT) : 'anonymous'),
      entrance: 'mcp',
      requestId: givenRequestId(headerOf(extra, 'x-request-id')) ?? newRequestId(),
      signal: neverAborts,
      canElicit: false,
      sessionId: this.#transport.sessionId,
      clientName: peer.name,
      clientVersion: peer.version,
      trace: tracing.active ? tracing.currentCall() : undefined,
    };
  }
}

/** Who a server has been talking to, as far as it says. */
const peerOf = (server: LowServer): Peer => ({
  ...named(server.getClientVersion?.()),
  revision: server.getNegotiatedProtocolVersion?.(),
});

const neverAborts = new AbortController().signal;
