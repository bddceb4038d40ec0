import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { DropArgument, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionCutReason } from '../monitoring/metrics/labels.ts';

const TICK_MS = 50;

/** Requests that a client may send on a connection before it has the answer to the first. Hardly any sends two. */
const MAX_UNANSWERED = 16;

/** How often to look at how much is left unread. */
const LOOK_EVERY_MS = 100;

export interface ConnectionLimits {
  /** Most connections open at a time. */
  readonly maxConnections: number;
  /** How long a client may take nothing of an answer that waits for it. */
  readonly stallTimeoutSeconds: number;
  /** Most bytes of answers that wait for their clients, on all connections together. */
  readonly unreadBytes: number;
}

/** Told of each connection that is cut or refused for what its client did; with its address, where that is known. */
export type OnCut = (reason: ConnectionCutReason, address: string | undefined) => void;

export interface DrainOptions {
  /** How long a connection must have been idle to be closed; who uses it at just that moment loses that request. */
  readonly idleSeconds: number;
  /** How long to wait for connections at all. */
  readonly limitSeconds: number;
}

interface Connection {
  readonly unanswered: Set<ServerResponse>;
  /** Serve the requests that wait for the answer to the one before. */
  readonly waiting: (() => void)[];
  /** The response of the last request, answered or not. */
  latest?: ServerResponse;
  /** How much had been read when the last answer was sent; more than that is a part of the next request. */
  readAtLastAnswer: number;
}

/**
 * The connections of a server. It bounds what their clients can make it keep: a request is served when the client has the
 * answer to the one before it, so that one answer at most waits for each client.
 *
 * Kept-alive connections end without losing a request: by an answer that says `Connection: close`, after which a client
 * sends no more on it (RFC 9112, 9.6), or when they are idle.
 */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #onCut: OnCut;
  readonly #open = new Map<Socket, Connection>();
  #draining = false;

  constructor(limits: ConnectionLimits, onCut: OnCut) {
    this.#limits = limits;
    this.#onCut = onCut;
  }

  /** Lets an application serve the requests that come to a server. */
  serve(server: Server, app: RequestListener): void {
    server.maxConnections = this.#limits.maxConnections;
    server.on('drop', (dropped?: DropArgument) => {
      this.#onCut('too_many', dropped?.remoteAddress);
    });
    server.on('connection', (socket) => {
      this.#open.set(socket, { unanswered: new Set(), waiting: [], readAtLastAnswer: 0 });
      socket.once('close', () => this.#open.delete(socket));
    });
    server.on('request', (request, response) => {
      this.#begin(request, response, app);
    });
    // Node's timer of a connection begins anew with whatever moves on it.
    server.setTimeout(this.#limits.stallTimeoutSeconds * 1000, (socket) => {
      this.#onTimeout(socket);
    });
    const looking = setInterval(() => {
      this.#boundUnread();
    }, LOOK_EVERY_MS).unref();
    server.once('close', () => {
      clearInterval(looking);
    });
  }

  /** How many there are. */
  get open(): number {
    return this.#open.size;
  }

  get limit(): number {
    return this.#limits.maxConnections;
  }

  /** Bytes of answers that wait for their clients. */
  get unreadBytes(): number {
    let bytes = 0;
    for (const { writableLength } of this.#open.keys()) bytes += writableLength;
    return bytes;
  }

  /** How many requests have no answer yet. */
  get unanswered(): number {
    return [...this.#open.values()].reduce((sum, { unanswered }) => sum + unanswered.size, 0);
  }

  /** The response of the last request on a connection, answered or not. */
  latestOn(socket: Duplex): ServerResponse | undefined {
    return this.#open.get(socket as Socket)?.latest;
  }

  /** Answers from now on say that the connection ends with them. */
  startDraining(): void {
    if (this.#draining) return;
    this.#draining = true;
    for (const { unanswered } of this.#open.values()) for (const response of unanswered) endWith(response);
  }

  /**
   * Resolves when of the connections that there are now each has ended, has been told to, or was idle and is closed; at
   * the limit, whatever they do. Idleness is counted in turns of a timer, so that a process that stalls takes nobody for idle.
   */
  drain({ idleSeconds, limitSeconds }: DrainOptions): Promise<void> {
    this.startDraining();
    const waiting = new Map([...this.#open.keys()].map((socket) => [socket, { read: -1, idleMs: 0 }]));
    return new Promise((resolve) => {
      const look = (): void => {
        for (const [socket, seen] of waiting) {
          const connection = this.#open.get(socket);
          const { bytesRead: read } = socket;
          const isIdle = connection?.unanswered.size === 0 && connection.readAtLastAnswer === read;
          seen.idleMs = isIdle && seen.read === read ? seen.idleMs + TICK_MS : 0;
          seen.read = read;
          const isIdleLong = isIdle && seen.idleMs >= idleSeconds * 1000;
          if (isIdleLong) socket.end();
          if (isIdleLong || !connection || isTold(connection)) waiting.delete(socket);
        }
        if (waiting.size === 0) end();
      };
      const looking = setInterval(look, TICK_MS);
      const end = (): void => {
        clearInterval(looking);
        clearTimeout(limit);
        resolve();
      };
      const limit = setTimeout(end, Math.max(0, limitSeconds) * 1000);
      look();
    });
  }

  #begin(request: IncomingMessage, response: ServerResponse, app: RequestListener): void {
    const { socket } = request;
    const connection = this.#open.get(socket);
    // What one chunk brought after the request for which the connection was cut.
    if (!connection || socket.destroyed) return;
    if (connection.unanswered.size >= MAX_UNANSWERED) {
      this.#cut(socket, 'pipelined');
      return;
    }
    leaveConnectionToServer(response);
    connection.latest = response;
    connection.unanswered.add(response);
    if (this.#draining) endWith(response);
    const noteRead = (): void => {
      if (response.closed) connection.readAtLastAnswer = socket.bytesRead;
    };
    response.once('close', () => {
      connection.unanswered.delete(response);
      noteRead();
      if (!socket.destroyed) connection.waiting.shift()?.();
    });
    // The rest of a body that the answer did not wait for is no part of a next request.
    request.once('close', noteRead);
    const serve = (): void => {
      app(request, response);
    };
    if (connection.unanswered.size === 1) serve();
    else connection.waiting.push(serve);
  }

  /** Nothing has moved for long: neither a request nor an answer, nor a new connection. */
  #onTimeout(socket: Socket): void {
    if (socket.writableLength > 0) this.#cut(socket, 'stalled');
    // While a request is carried out there may be nothing to say.
    else if (!this.#open.get(socket)?.unanswered.size) socket.destroy();
  }

  /** Cuts those whose clients leave the most unread, until the rest is little enough. */
  #boundUnread(): void {
    let excess = this.unreadBytes - this.#limits.unreadBytes;
    if (excess <= 0) return;
    const bySize = [...this.#open.keys()].sort((a, b) => b.writableLength - a.writableLength);
    for (const socket of bySize) {
      if (excess <= 0) return;
      excess -= socket.writableLength;
      this.#cut(socket, 'unread');
    }
  }

  #cut(socket: Socket, reason: ConnectionCutReason): void {
    const { remoteAddress } = socket;
    socket.destroy();
    this.#onCut(reason, remoteAddress);
  }
}

const endWith = (response: ServerResponse): void => {
  if (!response.headersSent) response.setHeader('connection', 'close');
};

/** A request of which only a part has come is not in time yet: what carries it out may refuse it later. */
const isTold = ({ unanswered }: Connection): boolean =>
  [...unanswered].some((response) => response.getHeader('connection') === 'close' && response.req.complete);

/** Whether a connection goes on is not for handlers to say: the SDK puts `Connection: keep-alive` on every stream. */
function leaveConnectionToServer(response: ServerResponse): void {
  const writeHead = response.writeHead.bind(response) as (...args: readonly unknown[]) => ServerResponse;
  response.writeHead = (...args: readonly unknown[]) => writeHead(...args.map(withoutConnection));
}

const withoutConnection = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).filter(([name]) => name.toLowerCase() !== 'connection'))
    : value;
