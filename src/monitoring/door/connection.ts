import type { AsyncLocalStorage } from 'node:async_hooks';
import type { TransportName } from '../metrics/labels.ts';
import {
  errorCodeOf,
  headerOf,
  isErrorResult,
  isRequest,
  paramOf,
  toolNameOf,
  type Message,
  type RpcRequest,
} from './message.ts';
import type { Pending, Running } from './pending.ts';
import type { Operation } from '../metrics/operation.ts';
import { agreedRevision, completed, statedPeer, type Peer } from './peer.ts';
import type { Tracing } from '../traces/tracing.ts';

/** Hears of every request: when it came, and how it was answered. */
export interface RequestRecorder {
  request(method: string, revision: string | undefined, transport: TransportName): void;
  operation(operation: Operation): void;
}

export interface DoorOptions {
  readonly recorder: RequestRecorder;
  /** Missing when nothing is traced. */
  readonly tracing: Tracing | undefined;
  /** Monotonic, in seconds. */
  readonly now: () => number;
  /** Told what went wrong in here, which hurts no request. */
  readonly onError: (error: Error) => void;
}

/** What is known of a connection, and who hears of its requests besides the recorder. `Held` is what they keep with each. */
export interface ConnectionOptions<Held> {
  readonly transport: TransportName;
  /** The MCP session, once there is one. */
  readonly sessionId?: (() => string | undefined) | undefined;
  /** The label of a tool: its registered name, or `unknown`. */
  readonly toolLabel: (name: string) => string;
  /** The client, when it said who it is before this connection was made known here. */
  readonly peer?: Peer | undefined;
  readonly received?: ((pending: Pending<Held>) => void) | undefined;
  /** What has to be known before a request that was answered can be described, where something has. */
  readonly settles?: ((pending: Pending<Held>, answer: Message) => Promise<void> | undefined) | undefined;
  /** Called before the answer is sent, if nothing has to be known first, with the seconds since the request was received. */
  readonly answered?: ((pending: Pending<Held>, answer: Message, seconds: number) => void) | undefined;
  /** Called when a request will not be answered: it was cancelled, or the connection closed. */
  readonly dropped?: ((pending: Pending<Held>, why: DropReason) => void) | undefined;
  readonly closed?: (() => void) | undefined;
}

export type DropReason = 'cancelled' | 'closed';

/** What the connections of a door share. */
export interface RequestsInFlight<Held> {
  readonly all: Set<Pending<Held>>;
  /** Which of them is being carried out, where something is. */
  readonly running: AsyncLocalStorage<Running<Held>>;
  /** Whether requests pass without being seen. */
  readonly closed: () => boolean;
  /** Called when one of them was answered or dropped. */
  readonly settled: () => void;
}

/** One client's connection: messages of one transport, or one HTTP exchange. */
export class Connection<Held = unknown> {
  readonly #options: ConnectionOptions<Held>;
  readonly #door: DoorOptions;
  readonly #shared: RequestsInFlight<Held>;
  /** By id, oldest first: nothing keeps a client from using an id twice at a time. */
  readonly #pending = new Map<unknown, Pending<Held>[]>();
  #peer: Peer;

  constructor(options: ConnectionOptions<Held>, door: DoorOptions, shared: RequestsInFlight<Held>) {
    this.#options = options;
    this.#door = door;
    this.#shared = shared;
    this.#peer = options.peer ?? {};
  }

  /** The client, as far as it has said who it is. */
  get peer(): Peer {
    return this.#peer;
  }

  /** Its requests that are in flight. */
  get inFlight(): readonly Pending<Held>[] {
    return [...this.#pending.values()].flat();
  }

  /** The requests with this id that are in flight, oldest first. */
  withId(id: unknown): readonly Pending<Held>[] {
    return this.#pending.get(id) ?? [];
  }

  /**
   * Takes a message that came in.
   * @param pass passes it on to who serves it; called once, and what it throws is thrown
   */
  receive(message: Message, extra: unknown, pass: () => void): void {
    if (isRequest(message)) {
      this.runAs(this.begin(message, extra), pass);
      return;
    }
    if (message.method === 'notifications/cancelled') {
      // The SDKs cancel in a microtask, too: also a request that comes after it in one batch, and of several the last one.
      queueMicrotask(() => {
        const cancelled = this.withId(paramOf(message, 'requestId')).at(-1);
        if (cancelled) this.drop(cancelled, 'cancelled');
      });
    }
    pass();
  }

  /** Takes a request in; `undefined` when that failed, which hurts no request. */
  begin(request: RpcRequest, extra?: unknown): Pending<Held> | undefined {
    if (this.#shared.closed()) return undefined;
    return this.#guard(() => {
      const { recorder, tracing, now } = this.#door;
      const { transport, sessionId } = this.#options;
      const peer = this.#peerOf(request, extra);
      recorder.request(request.method, peer.revision, transport);
      const span = tracing?.operation({
        method: request.method,
        tool: this.#toolOf(request),
        id: request.id,
        sessionId: sessionId?.(),
        meta: paramOf(request, '_meta'),
      });
      const running: Running<Held> = { pending: undefined };
      const pending: Pending<Held> = { request, extra, startedAt: now(), peer, span, running };
      running.pending = pending;
      const same = this.#pending.get(request.id);
      if (same) same.push(pending);
      else this.#pending.set(request.id, [pending]);
      this.#shared.all.add(pending);
      const tell = (): void => this.#options.received?.(pending);
      this.#guard(() => {
        if (span) span.run(tell);
        else tell();
      });
      return pending;
    });
  }

  /** Does what carries a request out, so that {@link Door.current} and its span are known there. */
  runAs<Result>(pending: Pending<Held> | undefined, work: () => Result): Result {
    if (!pending) return this.#shared.running.exit(work);
    const run = (): Result => this.#shared.running.run(pending.running, work);
    return pending.span ? pending.span.run(run) : run();
  }

  /** Takes a message that goes out. An answer belongs to the request that is being carried out here, if it has its id. */
  send(message: Message): void {
    if (!('result' in message || 'error' in message)) return;
    const candidates = this.withId(message.id);
    const current = this.#shared.running.getStore();
    const pending = candidates.find(({ running }) => running === current) ?? candidates[0];
    if (pending) this.answer(pending, message);
  }

  /** Ends a request by its answer. */
  answer(pending: Pending<Held>, answer: Message): void {
    if (!this.#take(pending)) return;
    pending.running.pending = undefined;
    if (pending.request.method === 'initialize' && 'result' in answer)
      this.#peer = { ...pending.peer, revision: agreedRevision(answer) };
    const seconds = this.#door.now() - pending.startedAt;
    const settled = this.#guard(() => this.#options.settles?.(pending, answer));
    if (!settled) this.#record(pending, answer, seconds);
    else
      void settled.then(() => {
        this.#record(pending, answer, seconds);
      });
  }

  #record(pending: Pending<Held>, answer: Message, seconds: number): void {
    const { request, span } = pending;
    this.#guard(() => this.#options.answered?.(pending, answer, seconds));
    this.#guard(() => {
      const operation = {
        method: request.method,
        protocolVersion: pending.peer.revision,
        transport: this.#options.transport,
        tool: this.#toolOf(request),
        errorCode: errorCodeOf(answer),
        isError: isErrorResult(answer),
        seconds,
        traceId: span?.sampledTraceId,
      };
      this.#door.recorder.operation(operation);
      span?.end(operation);
    });
  }

  /** Ends a request that will not be answered. */
  drop(pending: Pending<Held>, why: DropReason): void {
    if (!this.#take(pending)) return;
    this.#guard(() => {
      pending.span?.cancel();
      this.#options.dropped?.(pending, why);
    });
    // It may still be on its way to who holds something with it, and whoever was told of it just now looks for that first.
    setImmediate(() => {
      pending.running.pending = undefined;
    });
  }

  /** The connection is over. */
  close(): void {
    for (const pending of this.inFlight) this.drop(pending, 'closed');
    this.#guard(() => this.#options.closed?.());
  }

  #take(pending: Pending<Held>): boolean {
    if (!this.#shared.all.delete(pending)) return false;
    const { id } = pending.request;
    const others = this.withId(id).filter((each) => each !== pending);
    if (others.length > 0) this.#pending.set(id, others);
    else this.#pending.delete(id);
    this.#shared.settled();
    return true;
  }

  #peerOf(request: RpcRequest, extra: unknown): Peer {
    const stated = statedPeer(request);
    const known = completed(stated, this.#peer);
    // Without initialize, the first request that says who the client is does so for the connection.
    if (request.method !== 'initialize') this.#peer = this.#peer.revision === undefined ? known : this.#peer;
    if (known.revision !== undefined) return known;
    return { ...known, revision: headerOf(extra, 'mcp-protocol-version') };
  }

  #toolOf(request: RpcRequest): string | undefined {
    if (request.method !== 'tools/call') return undefined;
    return this.#options.toolLabel(toolNameOf(request));
  }

  /** Has what goes wrong in here reported, so that it hurts no request. */
  #guard<Result>(observe: () => Result): Result | undefined {
    try {
      return observe();
    } catch (error) {
      this.#door.onError(error instanceof Error ? error : new Error(String(error)));
      return undefined;
    }
  }
}
