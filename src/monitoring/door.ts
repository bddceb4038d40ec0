import type { TransportName } from './labels.ts';
import {
  errorCodeOf,
  isErrorResult,
  isRequest,
  paramOf,
  toolNameOf,
  type Message,
  type RpcRequest,
} from './message.ts';
import type { Recorder } from './recorder.ts';
import { listenWireOf, type DoorServer, type DoorTransport } from './server-shape.ts';
import type { OperationSpan, Tracing } from './traces/tracing.ts';

/** What is done with the requests of one transport. */
export interface Watcher {
  readonly recorder: Pick<Recorder, 'request' | 'operation'>;
  readonly tracing: Tracing | undefined;
  /** Monotonic, in seconds. */
  readonly now: () => number;
  /** Told what went wrong while a request was counted, which hurts no request. */
  readonly onError: (error: Error) => void;
  readonly transportName: TransportName;
  /** The revision a request is in, when the request itself or the server says. */
  readonly versionOf: (request: RpcRequest, extra: unknown) => string | undefined;
  /** The label of a tool: its registered name, or `unknown`. */
  readonly toolLabel: (name: string) => string;
  /** Called with what passes the request on, which it must call. */
  readonly received?: (request: RpcRequest, extra: unknown, pass: () => void) => void;
  /** Called before the answer is sent. */
  readonly answered?: (request: RpcRequest, extra: unknown, answer: Message) => void;
  /** Called when a request will not be answered: it was cancelled, or the transport closed. */
  readonly dropped?: (request: RpcRequest, why: 'cancelled' | 'closed') => void;
  readonly closed?: () => void;
}

interface Pending {
  readonly request: RpcRequest;
  readonly extra: unknown;
  readonly startedAt: number;
  readonly span: OperationSpan | undefined;
}

/**
 * Counts, times and traces every request that a server receives, whatever becomes of it, by watching the messages of
 * each transport it is connected to, now or later.
 */
export function watchDoor<Transport extends DoorTransport>(
  server: DoorServer<Transport>,
  watcherOf: (transport: Transport) => Watcher,
): void {
  const watch = (transport: Transport): void => {
    const watcher = watcherOf(transport);
    new Door(transport, watcher).watch();
    const wire = listenWireOf(transport);
    if (!wire) return;
    // The transport's own door says that it closed.
    new Door(wire.transport, { ...watcher, closed: () => undefined }, wire.takes).watch();
  };
  if (server.transport) watch(server.transport);
  const connect = server.connect.bind(server);
  server.connect = async (transport) => {
    await connect(transport);
    watch(transport);
  };
}

/** One transport that is being watched. */
class Door {
  readonly #transport: DoorTransport;
  readonly #watcher: Watcher;
  readonly #takes: (request: RpcRequest) => boolean;
  /** By id, oldest first: nothing keeps a client from using an id twice at a time. */
  readonly #pending = new Map<RpcRequest['id'], Pending[]>();

  /** @param takes which requests are watched */
  constructor(
    transport: DoorTransport,
    watcher: Watcher,
    takes: (request: RpcRequest) => boolean = () => true,
  ) {
    this.#transport = transport;
    this.#watcher = watcher;
    this.#takes = takes;
  }

  watch(): void {
    const transport = this.#transport;
    const { onmessage, onclose } = transport;
    transport.onmessage = (message: Message, extra?: never) => {
      this.#received(message, extra, () => {
        onmessage?.(message as never, extra);
      });
    };
    const send = transport.send.bind(transport);
    transport.send = (message: Message, options?: never) => {
      this.#guard(() => {
        this.#sent(message);
      });
      return send(message as never, options);
    };
    transport.onclose = () => {
      const left = [...this.#pending.values()].flat();
      this.#pending.clear();
      for (const pending of left) this.#drop(pending, 'closed');
      this.#guard(() => this.#watcher.closed?.());
      onclose?.();
    };
  }

  /** Has what goes wrong in here reported, so that it hurts no request. */
  #guard<Result>(observe: () => Result): Result | undefined {
    try {
      return observe();
    } catch (error) {
      this.#watcher.onError(error instanceof Error ? error : new Error(String(error)));
      return undefined;
    }
  }

  /** The last request of an id is the one that cancelling reaches in the SDKs; they answer in the order of receipt. */
  #take(id: RpcRequest['id'], which: 'first' | 'last'): Pending | undefined {
    const pending = this.#pending.get(id);
    if (!pending) return undefined;
    if (pending.length === 1) this.#pending.delete(id);
    return which === 'first' ? pending.shift() : pending.pop();
  }

  #received(message: Message, extra: unknown, pass: () => void): void {
    if (isRequest(message)) {
      if (!this.#takes(message)) {
        pass();
        return;
      }
      const span = this.#guard(() => this.#admit(message, extra));
      const passOn = (): void => {
        this.#passOn(message, extra, pass);
      };
      if (span) span.run(passOn);
      else passOn();
      return;
    }
    if (message.method === 'notifications/cancelled') {
      const cancelled = this.#take(paramOf(message, 'requestId') as RpcRequest['id'], 'last');
      if (cancelled) this.#drop(cancelled, 'cancelled');
    }
    pass();
  }

  /** Passes a request on exactly once, and throws only what that throws. */
  #passOn(request: RpcRequest, extra: unknown, pass: () => void): void {
    const done = { passed: false };
    const passOnce = (): void => {
      done.passed = true;
      pass();
    };
    try {
      this.#watcher.received?.(request, extra, passOnce);
    } catch (error) {
      if (done.passed) throw error;
      this.#watcher.onError(error instanceof Error ? error : new Error(String(error)));
    }
    if (!done.passed) pass();
  }

  #admit(request: RpcRequest, extra: unknown): OperationSpan | undefined {
    const { recorder, tracing, versionOf, transportName, now } = this.#watcher;
    recorder.request(request.method, versionOf(request, extra), transportName);
    const span = tracing?.operation({
      method: request.method,
      tool: this.#toolOf(request),
      id: request.id,
      sessionId: this.#transport.sessionId,
      meta: paramOf(request, '_meta'),
    });
    const pending = { request, extra, startedAt: now(), span };
    const same = this.#pending.get(request.id);
    if (same) same.push(pending);
    else this.#pending.set(request.id, [pending]);
    return span;
  }

  #sent(message: Message): void {
    if (!('result' in message || 'error' in message)) return;
    const found = this.#take(message.id as RpcRequest['id'], 'first');
    if (!found) return;
    const { recorder, versionOf, transportName, now } = this.#watcher;
    const { request, extra, startedAt, span } = found;
    this.#watcher.answered?.(request, extra, message);
    const operation = {
      method: request.method,
      protocolVersion: versionOf(request, extra),
      transport: transportName,
      tool: this.#toolOf(request),
      errorCode: errorCodeOf(message),
      isError: isErrorResult(message),
      seconds: now() - startedAt,
      traceId: span?.sampledTraceId,
    };
    recorder.operation(operation);
    span?.end(operation);
  }

  #drop({ request, span }: Pending, why: 'cancelled' | 'closed'): void {
    this.#guard(() => {
      span?.cancel();
      this.#watcher.dropped?.(request, why);
    });
  }

  #toolOf(request: RpcRequest): string | undefined {
    if (request.method !== 'tools/call') return undefined;
    return this.#watcher.toolLabel(toolNameOf(request));
  }
}
