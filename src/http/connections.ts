import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

const TICK_MS = 50;

export interface DrainOptions {
  /** How long a connection must have been idle to be closed; who uses it at just that moment loses that request. */
  readonly idleSeconds: number;
  /** How long to wait for connections at all. */
  readonly limitSeconds: number;
}

interface Connection {
  readonly unanswered: Set<ServerResponse>;
  /** The response of the last request, answered or not. */
  latest?: ServerResponse;
  /** How much had been read when the last answer was sent; more than that is a part of the next request. */
  readAtLastAnswer: number;
}

/**
 * The kept-alive connections of a server, and how they end without losing a request: by an answer that says
 * `Connection: close`, after which a client sends no more on it (RFC 9112, 9.6), or when they are idle.
 */
export class Connections {
  readonly #open = new Map<Socket, Connection>();
  #draining = false;

  constructor(server: Server) {
    server.on('connection', (socket) => {
      this.#open.set(socket, { unanswered: new Set(), readAtLastAnswer: 0 });
      socket.once('close', () => this.#open.delete(socket));
    });
    server.prependListener('request', ({ socket }, response) => {
      this.#begin(socket, response);
    });
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

  #begin(socket: Socket, response: ServerResponse): void {
    leaveConnectionToServer(response);
    const connection = this.#open.get(socket);
    if (!connection) return;
    connection.latest = response;
    connection.unanswered.add(response);
    if (this.#draining) endWith(response);
    const noteRead = (): void => {
      if (response.closed) connection.readAtLastAnswer = socket.bytesRead;
    };
    response.once('close', () => {
      connection.unanswered.delete(response);
      noteRead();
    });
    // The rest of a body that the answer did not wait for is no part of a next request.
    response.req.once('close', noteRead);
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
