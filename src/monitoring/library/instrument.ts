import type { ToolCall } from '../../tools/call.ts';
import { UNKNOWN_TOOL } from '../../tools/outcome.ts';
import { watchDoor, type Watcher } from '../door.ts';
import { callerNamed, recordOf, secondsInTool, type InstrumentedCall } from './instrumented-call.ts';
import {
  InstrumentedServer,
  type InstrumentOptions,
  type InstrumentationParts,
} from './instrumented-server.ts';
import type { TransportName } from '../labels.ts';
import type { LiveSessions } from './live-sessions.ts';
import type { ConnectionSubscriptions } from './live-subscriptions.ts';
import {
  fieldOf,
  headerOf,
  paramOf,
  statedClient,
  statedVersion,
  toolNameOf,
  type Message,
  type RpcRequest,
} from '../message.ts';
import { givenRequestId } from '../request-id.ts';
import { lostClient, lowOf, type DoorTransport, type InstrumentableServer } from '../server-shape.ts';

const MAX_CLIENT_TEXT = 100;

/** Observes a server that is not ours, by what ours is observed by: its connection, if it has one, and those to come. */
export function instrument(
  server: InstrumentableServer,
  options: InstrumentOptions,
  parts: InstrumentationParts,
): void {
  const instrumented = new InstrumentedServer(server, options, parts);
  watchDoor(lowOf(server), (transport) => new Connection(instrumented, transport, parts).watcher());
}

/** A server on one transport. */
class Connection {
  readonly #server: InstrumentedServer;
  readonly #transport: DoorTransport;
  readonly #transportName: TransportName;
  readonly #parts: InstrumentationParts;
  /** By the request itself: nothing keeps a client from using an id twice at a time. */
  readonly #calls = new Map<RpcRequest, InstrumentedCall>();
  readonly #subscriptions: ConnectionSubscriptions;
  #endSession: ReturnType<LiveSessions['begin']> | undefined;
  #negotiated: string | undefined;

  constructor(server: InstrumentedServer, transport: DoorTransport, parts: InstrumentationParts) {
    this.#server = server;
    this.#transport = transport;
    this.#transportName = server.transportName(transport);
    this.#parts = parts;
    this.#subscriptions = parts.subscriptions.connect();
    server.learnRegistered();
    // Without HTTP in between, the connection is the session.
    if (this.#transportName === 'stdio') this.#endSession = parts.sessions.begin('stdio');
  }

  watcher(): Watcher {
    const { recorder, tracing, now, onError } = this.#parts;
    return {
      recorder,
      tracing,
      now,
      onError,
      transportName: this.#transportName,
      versionOf: (request, extra) =>
        statedVersion(request) ?? this.#negotiated ?? headerOf(extra, 'mcp-protocol-version'),
      toolLabel: (name) => this.#server.toolLabel(name),
      received: (request, extra, pass) => {
        this.#subscriptions.received(request);
        if (request.method === 'tools/call') this.#begin(request, extra, pass);
        else pass();
      },
      answered: (request, _extra, answer) => {
        this.#subscriptions.answered(request, answer);
        if (request.method === 'tools/call') this.#finish(request, answer);
        if (request.method === 'initialize') this.#initialized(answer);
        if (request.method === 'tools/list') this.#server.learnListed(answer);
      },
      dropped: (request) => {
        this.#subscriptions.dropped(request);
        this.#drop(request);
      },
      closed: () => {
        this.#subscriptions.closed();
        const reason = this.#server.closed && !lostClient(this.#transport) ? 'shutdown' : 'client';
        this.#endSession?.({ reason, protocolVersion: this.#negotiated });
      },
    };
  }

  #initialized(answer: Message): void {
    const version = fieldOf(answer.result, 'protocolVersion');
    if (typeof version !== 'string') return;
    this.#negotiated = version;
    if (this.#transport.sessionId !== undefined) this.#endSession ??= this.#parts.sessions.begin('http');
  }

  #begin(request: RpcRequest, extra: unknown, pass: () => void): void {
    const { observer, now, running } = this.#parts;
    const call = this.#callOf(request, extra);
    const tool = this.#server.toolLabel(call.name);
    const begun = { call, tool, startedAt: now(), watched: false };
    this.#calls.set(request, begun);
    if (tool !== UNKNOWN_TOOL) observer.started(tool);
    running.run({ tool, call: begun }, pass);
  }

  #finish(request: RpcRequest, answer: Message): void {
    const begun = this.#take(request);
    if (!begun) return;
    const { observer, now } = this.#parts;
    const record = recordOf(begun, answer, now());
    if (begun.tool === UNKNOWN_TOOL && record.status === 'success') {
      // The server has it after all, and was not asked for its list yet.
      const tool = this.#parts.tools.learn(begun.call.name);
      observer.started(tool);
      observer.finished({ ...record, tool });
    } else observer.finished(record);
  }

  #drop(request: RpcRequest): void {
    const begun = this.#take(request);
    if (!begun) return;
    const { call, tool, startedAt } = begun;
    const now = this.#parts.now();
    const failure = { status: 'error', reason: 'cancelled', message: 'cancelled' } as const;
    this.#parts.observer.finished({
      ...failure,
      tool,
      call,
      totalSeconds: now - startedAt,
      runSeconds: secondsInTool(begun, now),
      resultBytes: undefined,
    });
  }

  #take(request: RpcRequest): InstrumentedCall | undefined {
    const begun = this.#calls.get(request);
    this.#calls.delete(request);
    return begun;
  }

  #callOf(request: RpcRequest, extra: unknown): ToolCall {
    const client = statedClient(request) ?? this.#server.low.getClientVersion?.();
    const caller = textOf(fieldOf(extra, 'authInfo'), 'clientId');
    return {
      name: toolNameOf(request),
      arguments: paramOf(request, 'arguments'),
      caller: callerNamed(caller ?? 'anonymous'),
      entrance: 'mcp',
      requestId: givenRequestId(headerOf(extra, 'x-request-id')) ?? this.#parts.newRequestId(),
      signal: neverAborts,
      canElicit: false,
      sessionId: this.#transport.sessionId,
      clientName: textOf(client, 'name'),
      clientVersion: textOf(client, 'version'),
      trace: this.#parts.tracing.active ? this.#parts.tracing.currentCall() : undefined,
    };
  }
}

function textOf(value: unknown, name: string): string | undefined {
  const text = fieldOf(value, name);
  return typeof text === 'string' ? text.slice(0, MAX_CLIENT_TEXT) : undefined;
}

const neverAborts = new AbortController().signal;
