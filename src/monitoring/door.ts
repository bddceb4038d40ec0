import type { TransportName } from './labels.ts';
import type { Monitoring } from './recorder.ts';
import type { OperationSpan, Tracing } from './tracing.ts';

/** A JSON-RPC message, as any MCP SDK passes it. */
export interface Message {
  readonly id?: unknown;
  readonly method?: unknown;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: unknown;
}

/** A JSON-RPC request. */
export interface Request extends Message {
  readonly id: string | number;
  readonly method: string;
}

/** What carries the messages of a server; both lines of the TypeScript SDK have it. */
export interface DoorTransport {
  // Messages and what comes with them are typed differently by each SDK.
  onmessage?: ((message: never, extra?: never) => void) | undefined;
  onclose?: (() => void) | undefined;
  send(message: never, options?: never): Promise<void>;
  readonly sessionId?: string | undefined;
}

/** A server that can be connected to a transport. */
export interface DoorServer<Transport extends DoorTransport> {
  connect(transport: Transport): Promise<void>;
}

export interface DoorOptions<Transport> {
  readonly monitoring: Pick<Monitoring, 'request' | 'operation'>;
  readonly tracing: Tracing | undefined;
  /** Monotonic, in seconds. */
  readonly now: () => number;
  readonly transportName: (transport: Transport) => TransportName;
  /** The revision a request is in, when the request itself or the server says. */
  readonly versionOf: (request: Request) => string | undefined;
  /** The label of a tool: its registered name, or `unknown`. */
  readonly toolLabel: (name: string) => string;
  readonly connected?: (transport: Transport) => void;
  readonly received?: (request: Request, extra: unknown) => void;
  /** Called before the answer is sent. */
  readonly answered?: (request: Request, extra: unknown, answer: Message) => void;
  /** Called when a request will not be answered: it was cancelled, or the transport closed. */
  readonly dropped?: (request: Request, why: 'cancelled' | 'closed') => void;
  readonly closed?: (transport: Transport) => void;
}

interface Pending {
  readonly request: Request;
  readonly extra: unknown;
  readonly startedAt: number;
  readonly span: OperationSpan | undefined;
}

/**
 * Counts, times and traces every request that a server receives, whatever becomes of it, by watching the messages of
 * each transport it is connected to from now on.
 */
export function watchDoor<Transport extends DoorTransport>(
  server: DoorServer<Transport>,
  options: DoorOptions<Transport>,
): void {
  const connect = server.connect.bind(server);
  server.connect = async (transport) => {
    await connect(transport);
    new Door(transport, options).watch();
  };
}

/** One transport that is being watched. */
class Door<Transport extends DoorTransport> {
  readonly #transport: Transport;
  readonly #options: DoorOptions<Transport>;
  readonly #transportName: TransportName;
  readonly #pending = new Map<string | number, Pending>();

  constructor(transport: Transport, options: DoorOptions<Transport>) {
    this.#transport = transport;
    this.#options = options;
    this.#transportName = options.transportName(transport);
  }

  watch(): void {
    const transport = this.#transport;
    this.#options.connected?.(transport);
    const { onmessage, onclose } = transport;
    transport.onmessage = (message: Message, extra?: never) => {
      this.#received(message, extra, () => {
        onmessage?.(message as never, extra);
      });
    };
    const send = transport.send.bind(transport);
    transport.send = (message: Message, sendOptions?: never) => {
      this.#sent(message);
      return send(message as never, sendOptions);
    };
    transport.onclose = () => {
      for (const { request } of this.#pending.values()) this.#drop(request.id, 'closed');
      this.#options.closed?.(transport);
      onclose?.();
    };
  }

  #received(message: Message, extra: unknown, pass: () => void): void {
    if (isRequest(message)) {
      const span = this.#admit(message, extra);
      if (span) span.run(pass);
      else pass();
      return;
    }
    if (message.method === 'notifications/cancelled') {
      this.#drop(paramOf(message, 'requestId') as string | number, 'cancelled');
    }
    pass();
  }

  #admit(request: Request, extra: unknown): OperationSpan | undefined {
    const { monitoring, tracing, versionOf, received, now } = this.#options;
    monitoring.request(request.method, versionOf(request), this.#transportName);
    received?.(request, extra);
    const span = tracing?.operation({
      method: request.method,
      tool: this.#toolOf(request),
      id: request.id,
      sessionId: this.#transport.sessionId,
      meta: paramOf(request, '_meta'),
    });
    this.#pending.set(request.id, { request, extra, startedAt: now(), span });
    return span;
  }

  #sent(message: Message): void {
    if (!('result' in message || 'error' in message)) return;
    const id = message.id as string | number;
    const found = this.#pending.get(id);
    if (!found) return;
    this.#pending.delete(id);
    const { request, extra, startedAt, span } = found;
    this.#options.answered?.(request, extra, message);
    const { result, error } = message as { result?: { isError?: unknown }; error?: { code?: unknown } };
    const operation = {
      method: request.method,
      protocolVersion: this.#options.versionOf(request),
      transport: this.#transportName,
      tool: this.#toolOf(request),
      errorCode: typeof error?.code === 'number' ? error.code : undefined,
      isError: result?.isError === true,
      seconds: this.#options.now() - startedAt,
    };
    this.#options.monitoring.operation(operation);
    span?.end(operation);
  }

  #drop(id: string | number, why: 'cancelled' | 'closed'): void {
    const found = this.#pending.get(id);
    if (!found) return;
    this.#pending.delete(id);
    found.span?.cancel();
    this.#options.dropped?.(found.request, why);
  }

  #toolOf(request: Request): string | undefined {
    if (request.method !== 'tools/call') return undefined;
    return this.#options.toolLabel(String(paramOf(request, 'name')));
  }
}

const isRequest = (message: Message): message is Request =>
  typeof message.method === 'string' && (typeof message.id === 'string' || typeof message.id === 'number');

/** A parameter of a message, whatever its shape. */
export const paramOf = ({ params }: Message, name: string): unknown =>
  typeof params === 'object' && params !== null
    ? (params as Readonly<Record<string, unknown>>)[name]
    : undefined;
