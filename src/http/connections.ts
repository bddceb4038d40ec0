import { AsyncResource } from 'node:async_hooks';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { clientOf } from '../authorization/client-address.ts';
import type { ConnectionCutReason } from '../monitoring/metrics/labels.ts';
import { drain, type DrainOptions } from './drain.ts';

/** Requests that a client may send on a connection before it has the answer to the first. Hardly any sends two. */
const MAX_UNANSWERED = 16;

/** How often to look at how much is kept for clients. */
const LOOK_EVERY_MS = 100;

export interface ConnectionLimits {
  /** Most connections open at a time. */
  readonly maxConnections: number;
  /** How long a client may take nothing of an answer that waits for it. */
  readonly stallTimeoutSeconds: number;
  /** Most bytes of requests in hand, and of answers that wait for their clients, on all connections together. */
  readonly bufferedBytes: number;
}

/** Told of each connection that is cut or refused for what its client did; with its address, where that is known. */
export type OnCut = (reason: ConnectionCutReason, address: string | undefined) => void;

/** What is kept of a connection. */
export interface Connection {
  readonly socket: Socket;
  /** Whose it is: an address, or an IPv6 network. */
  readonly client: string;
  /** Oldest first: the first one is being served, the others wait for its answer. */
  readonly unanswered: Set<ServerResponse>;
  /** Serve the requests that wait, in order. */
  readonly waiting: (() => void)[];
  /** The last request, until all of it has come; no longer, since a request holds on to all that it was answered with. */
  coming?: IncomingMessage | undefined;
  /** How much had been read when the last answer was sent; more than that is a part of the next request. */
  readAtLastAnswer: number;
}

/**
 * The connections of a server. It bounds what their clients can make it keep: a request is served when the client has the
 * answer to the one before it, so that one answer at most waits on each connection.
 *
 * Kept-alive connections end without losing a request: by an answer that says `Connection: close`, after which a client
 * sends no more on it (RFC 9112, 9.6), or when they are idle.
 */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #onCut: OnCut;
  /** Those that have been idle for longest come first. */
  readonly #open = new Map<Socket, Connection>();
  #draining = false;

  constructor(limits: ConnectionLimits, onCut: OnCut) {
    this.#limits = limits;
    this.#onCut = onCut;
  }

  /** Lets an application serve the requests that come to a server. */
  serve(server: Server, app: RequestListener): void {
    server.on('connection', (socket) => {
      this.#accept(socket);
    });
    server.on('request', (request, response) => {
      this.#begin(request, response, app);
    });
    // Node's timer of a connection begins anew with whatever moves on it.
    server.setTimeout(this.#limits.stallTimeoutSeconds * 1000, (socket) => {
      this.#onTimeout(socket);
    });
    const looking = setInterval(() => {
      this.#boundBuffers();
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

  /** Bytes of requests in hand, and of answers that wait for their clients. */
  get bufferedBytes(): number {
    let bytes = 0;
    for (const connection of this.#open.values()) bytes += bufferedOn(connection);
    return bytes;
  }

  /** How many requests have no answer yet. */
  get unanswered(): number {
    return [...this.#open.values()].reduce((sum, { unanswered }) => sum + unanswered.size, 0);
  }

  /** What is kept of a connection that is open. */
  of(socket: Duplex): Connection | undefined {
    return this.#open.get(socket as Socket);
  }

  /** Answers from now on say that the connection ends with them, unless another request waits. */
  startDraining(): void {
    if (this.#draining) return;
    this.#draining = true;
    for (const { unanswered } of this.#open.values())
      if (unanswered.size === 1) for (const response of unanswered) endWith(response);
  }

  /** Resolves when of the connections that there are now each has ended, has been told to, or was idle and is closed. */
  drain(options: DrainOptions): Promise<void> {
    this.startDraining();
    return drain([...this.#open.values()], options);
  }

  #accept(socket: Socket): void {
    const client = clientOf(socket.remoteAddress ?? '') ?? '';
    this.#open.set(socket, { socket, client, unanswered: new Set(), waiting: [], readAtLastAnswer: 0 });
    socket.once('close', () => this.#open.delete(socket));
    if (this.#open.size > this.#limits.maxConnections) this.#cut(this.#oneOfTooMany(socket), 'too_many');
  }

  /** Of the client that has most, the connection that has been idle for longest; the new one, if all are in use. */
  #oneOfTooMany(newest: Socket): Socket {
    const counts = new Map<string, number>();
    for (const { client } of this.#open.values()) counts.set(client, (counts.get(client) ?? 0) + 1);
    const most = Math.max(...counts.values());
    for (const { socket, client, unanswered } of this.#open.values())
      if (socket !== newest && counts.get(client) === most && unanswered.size === 0) return socket;
    return newest;
  }

  #begin(request: IncomingMessage, response: ServerResponse, app: RequestListener): void {
    const { socket } = request;
    const connection = this.#open.get(socket);
    // What one chunk brought after the request for which the connection was cut.
    if (!connection) return;
    const { unanswered, waiting } = connection;
    if (unanswered.size >= MAX_UNANSWERED) {
      this.#cut(socket, 'pipelined');
      return;
    }
    connection.coming = request;
    unanswered.add(response);
    const readByNow = socket.bytesRead;
    const noteRead = (): void => {
      if (connection.coming === request && request.complete) connection.coming = undefined;
      if (!response.closed) return;
      connection.readAtLastAnswer = unanswered.size === 0 ? socket.bytesRead : readByNow;
    };
    response.once('close', () => {
      unanswered.delete(response);
      noteRead();
      if (!this.#open.delete(socket)) return;
      this.#open.set(socket, connection);
      // After an answer that said so no more is carried out (RFC 9112, 9.6).
      if (!endsConnection(response)) waiting.shift()?.();
    });
    // The rest of a body that the answer did not wait for is no part of a next request.
    request.once('close', noteRead);
    const serve = (): void => {
      if (this.#draining && waiting.length === 0) endWith(response);
      app(request, response);
    };
    if (unanswered.size === 1) serve();
    else waiting.push(AsyncResource.bind(serve));
  }

  /** Nothing has moved for long: neither a request nor an answer, nor a new connection. */
  #onTimeout(socket: Socket): void {
    if (socket.writableLength > 0) this.#cut(socket, 'stalled');
    // While a request is carried out there may be nothing to say.
    else if (!this.#open.get(socket)?.unanswered.size) socket.destroy();
  }

  /** Cuts those for which most is kept, until the rest is little enough. */
  #boundBuffers(): void {
    let excess = this.bufferedBytes - this.#limits.bufferedBytes;
    if (excess <= 0) return;
    const bySize = [...this.#open.values()].sort((a, b) => bufferedOn(b) - bufferedOn(a));
    for (const connection of bySize) {
      if (excess <= 0) return;
      excess -= bufferedOn(connection);
      this.#cut(connection.socket, 'buffered');
    }
  }

  #cut(socket: Socket, reason: ConnectionCutReason): void {
    const { remoteAddress } = socket;
    this.#open.delete(socket);
    socket.destroy();
    this.#onCut(reason, remoteAddress);
  }
}

const bufferedOn = ({ socket, readAtLastAnswer }: Connection): number =>
  socket.writableLength + socket.bytesRead - readAtLastAnswer;

const endWith = (response: ServerResponse): void => {
  if (!response.headersSent) response.setHeader('connection', 'close');
};

const endsConnection = (response: ServerResponse): boolean =>
  !response.shouldKeepAlive || response.getHeader('connection') === 'close';
