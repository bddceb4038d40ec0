import type { AsyncLocalStorage } from 'node:async_hooks';
import type { CallObserver, ToolCall } from '../tools/call.ts';
import { UNKNOWN_TOOL } from '../tools/outcome.ts';
import { watchRegistrations, watchSteps } from './call-steps.ts';
import { watchDoor, type DoorTransport, type Watcher } from './door.ts';
import {
  callerNamed,
  recordOf,
  secondsInTool,
  type InstrumentedCall,
  type RunningCall,
} from './instrumented-call.ts';
import type { KnownTools } from './known-tools.ts';
import type { TransportName } from './labels.ts';
import type { LiveSessions } from './live-sessions.ts';
import {
  fieldOf,
  paramOf,
  statedClient,
  statedVersion,
  toolNamesIn,
  versionHeader,
  type Message,
  type Request,
} from './message.ts';
import type { Recorder } from './recorder.ts';
import {
  highOf,
  lostClient,
  lowOf,
  transportNameOf,
  type HighServer,
  type InstrumentableServer,
  type LowServer,
} from './server-shape.ts';
import type { Tracing } from './tracing.ts';

export interface InstrumentOptions {
  /**
   * Names of tools that are not registered, as those of a low-level `Server` or of a tools/call handler of one's own, so
   * that their series exist from the start. Otherwise they are known once they were listed or called with success.
   */
  readonly tools?: readonly string[];
  /** How clients reach it. Default: told by the transport it is connected to. */
  readonly transport?: TransportName;
}

/** What all instrumented servers and functions share. */
export interface InstrumentationParts {
  readonly recorder: Recorder;
  /** Told of each call: the recorder, and what else there is. */
  readonly observer: CallObserver;
  readonly tracing: Tracing;
  readonly tools: KnownTools;
  readonly sessions: LiveSessions;
  readonly running: AsyncLocalStorage<RunningCall>;
  /** Monotonic, in seconds. */
  readonly now: () => number;
  readonly newRequestId: () => string;
  /** Told what went wrong in here, which hurts no call. */
  readonly onError: (error: unknown) => void;
}

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

/** A server, and the tools it is known to have. */
class InstrumentedServer {
  readonly low: LowServer;
  readonly high: HighServer | undefined;
  readonly #options: InstrumentOptions;
  readonly #parts: InstrumentationParts;
  #closed = false;

  constructor(server: InstrumentableServer, options: InstrumentOptions, parts: InstrumentationParts) {
    this.low = lowOf(server);
    this.high = highOf(server);
    this.#options = options;
    this.#parts = parts;
    for (const name of options.tools ?? []) parts.tools.learn(name);
    if (this.high) {
      watchSteps(this.high, parts.running, parts.now);
      watchRegistrations(this.high, (name) => {
        parts.tools.label(name);
      });
    }
    const close = this.low.close.bind(this.low);
    this.low.close = async () => {
      this.#closed = true;
      await close();
    };
  }

  /** Whether the application closed it, and not its client. */
  get closed(): boolean {
    return this.#closed;
  }

  transportName(transport: DoorTransport): TransportName {
    return this.#options.transport ?? transportNameOf(transport);
  }

  learnListed(answer: Message): void {
    for (const name of toolNamesIn(answer)) if (!this.#registered(name)) this.#parts.tools.learn(name);
  }

  learnRegistered(): void {
    for (const name of Object.keys(this.high?._registeredTools ?? {})) this.#parts.tools.label(name);
  }

  toolLabel(name: string): string {
    const { tools } = this.#parts;
    const registered = this.#registered(name);
    const exists = registered ? registered.enabled !== false : tools.hasLearned(name);
    return exists ? tools.label(name) : UNKNOWN_TOOL;
  }

  #registered(name: string): HighServer['_registeredTools'][string] | undefined {
    const tools = this.high?._registeredTools ?? {};
    return Object.hasOwn(tools, name) ? tools[name] : undefined;
  }
}

/** A server on one transport. */
class Connection {
  readonly #server: InstrumentedServer;
  readonly #transport: DoorTransport;
  readonly #transportName: TransportName;
  readonly #parts: InstrumentationParts;
  /** By the request itself: nothing keeps a client from using an id twice at a time. */
  readonly #calls = new Map<Request, InstrumentedCall>();
  #endSession: ReturnType<LiveSessions['begin']> | undefined;
  #negotiated: string | undefined;

  constructor(server: InstrumentedServer, transport: DoorTransport, parts: InstrumentationParts) {
    this.#server = server;
    this.#transport = transport;
    this.#transportName = server.transportName(transport);
    this.#parts = parts;
    server.learnRegistered();
    // Without HTTP in between, the connection is the session.
    if (this.#transportName === 'stdio') this.#endSession = parts.sessions.begin('stdio');
  }

  watcher(): Watcher {
    const { recorder, tracing, now, onError } = this.#parts;
    return {
      monitoring: recorder,
      tracing,
      now,
      onError,
      transportName: this.#transportName,
      versionOf: (request, extra) => statedVersion(request) ?? this.#negotiated ?? versionHeader(extra),
      toolLabel: (name) => this.#server.toolLabel(name),
      received: (request, extra, pass) => {
        if (request.method === 'tools/call') this.#begin(request, extra, pass);
        else pass();
      },
      answered: (request, _extra, answer) => {
        if (request.method === 'tools/call') this.#finish(request, answer);
        if (request.method === 'initialize') this.#initialized(answer);
        if (request.method === 'tools/list') this.#server.learnListed(answer);
      },
      dropped: (request) => {
        this.#drop(request);
      },
      closed: () => {
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

  #begin(request: Request, extra: unknown, pass: () => void): void {
    const { observer, now, running } = this.#parts;
    const call = this.#callOf(request, extra);
    const tool = this.#server.toolLabel(call.name);
    const begun = { call, tool, startedAt: now(), watched: false };
    this.#calls.set(request, begun);
    if (tool !== UNKNOWN_TOOL) observer.started(tool);
    running.run({ tool, call: begun }, pass);
  }

  #finish(request: Request, answer: Message): void {
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

  #drop(request: Request): void {
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

  #take(request: Request): InstrumentedCall | undefined {
    const begun = this.#calls.get(request);
    this.#calls.delete(request);
    return begun;
  }

  #callOf(request: Request, extra: unknown): ToolCall {
    const client = statedClient(request) ?? this.#server.low.getClientVersion?.();
    const caller = textOf(fieldOf(extra, 'authInfo'), 'clientId');
    return {
      name: String(paramOf(request, 'name')),
      arguments: paramOf(request, 'arguments'),
      caller: callerNamed(caller ?? 'anonymous'),
      entrance: 'mcp',
      requestId: this.#parts.newRequestId(),
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
