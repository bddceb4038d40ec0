import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

const TICK_MS = 50;

/** A connection, as far as it matters for its end. */
interface Connection {
  readonly socket: Socket;
  readonly unanswered: ReadonlySet<ServerResponse>;
  /** How much had been read when the last answer was sent. */
  readonly readAtLastAnswer: number;
}

export interface DrainOptions {
  /** How long a connection must have been idle to be closed; who uses it at just that moment loses that request. */
  readonly idleSeconds: number;
  /** How long to wait for connections at all. */
  readonly limitSeconds: number;
}

/**
 * Resolves when each connection has ended, has been told to, or was idle and is closed; at the limit, whatever they do.
 * Idleness is counted in turns of a timer, so that a process that stalls takes nobody for idle.
 */
export function drain(
  connections: readonly Connection[],
  { idleSeconds, limitSeconds }: DrainOptions,
): Promise<void> {
  const waiting = new Map(connections.map((connection) => [connection, { read: -1, idleMs: 0 }]));
  return new Promise((resolve) => {
    const look = (): void => {
      for (const [connection, seen] of waiting) {
        const { socket, unanswered, readAtLastAnswer } = connection;
        const { bytesRead: read } = socket;
        const isIdle = unanswered.size === 0 && readAtLastAnswer === read;
        seen.idleMs = isIdle && seen.read === read ? seen.idleMs + TICK_MS : 0;
        seen.read = read;
        const isIdleLong = isIdle && seen.idleMs >= idleSeconds * 1000;
        if (isIdleLong) socket.end();
        if (isIdleLong || socket.destroyed || isTold(connection)) waiting.delete(connection);
      }
      if (waiting.size === 0) end();
    };
    let next: NodeJS.Immediate | undefined;
    // Not in the timer's callback: after a stall, timers run before Node reads the sockets, so a connection with a new request would
    // look idle.
    const looking = setInterval(() => {
      next = setImmediate(look);
    }, TICK_MS);
    const end = (): void => {
      clearInterval(looking);
      clearImmediate(next);
      clearTimeout(limit);
      resolve();
    };
    const limit = setTimeout(end, Math.max(0, limitSeconds) * 1000);
    look();
  });
}

/**
 * Whether the client knows that the connection ends. A request of which only a part has come is not in time yet: what
 * carries it out may refuse it later; and while others wait, the answer does not say so.
 */
const isTold = ({ unanswered }: Connection): boolean => {
  const [only, another] = unanswered;
  return another === undefined && only?.getHeader('connection') === 'close' && only.req.complete;
};
