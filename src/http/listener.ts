import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { Connections, type ConnectionLimits, type OnCut } from './connections.ts';
import type { DrainOptions } from './drain.ts';

export interface ListenerOptions extends ConnectionLimits {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** How long a client may take to send a request's headers. */
  readonly headersTimeoutSeconds: number;
  /** How long a client may take to send a whole request. Answers, and streams with them, may take any time. */
  readonly requestTimeoutSeconds: number;
  readonly keepAliveTimeoutSeconds: number;
  readonly onCut: OnCut;
}

/** An open port. */
export interface Listener {
  readonly port: number;
  readonly connections: Pick<Connections, 'open' | 'limit' | 'bufferedBytes'>;
  /** Answers from now on say that the connection ends with them. */
  startDraining(): void;
  /** Lets the connections there are end without losing a request; others are still accepted. */
  drain(options: DrainOptions): Promise<void>;
  /** Accepts no more connections; resolves when those there are have ended. */
  close(): Promise<void>;
  /** Cuts all connections. Returns how many there were. */
  destroy(): Promise<number>;
}

/** Opens a port. Rejects with Node's error when it cannot, for example `EADDRINUSE`. */
export async function listen(app: RequestListener, options: ListenerOptions): Promise<Listener> {
  const server = createServer({
    // Node refuses to start when headers may take longer than the request they belong to.
    headersTimeout: Math.min(options.headersTimeoutSeconds, options.requestTimeoutSeconds) * 1000,
    requestTimeout: options.requestTimeoutSeconds * 1000,
    keepAliveTimeout: options.keepAliveTimeoutSeconds * 1000,
    connectionsCheckingInterval: 1000,
    maxHeaderSize: 16 * 1024,
    // The host guard refuses requests without one, in words.
    requireHostHeader: false,
  });
  const connections = new Connections(options, options.onCut);
  connections.serve(server, app);
  server.on('clientError', (error, socket) => {
    const { unanswered, coming, waiting } = connections.of(socket) ?? {};
    const [first] = unanswered ?? [];
    // A request is not read to its end while it waits for the answer to the one before it.
    if (waiting && waiting.length > 0 && hasCode(error, 'ERR_HTTP_REQUEST_TIMEOUT')) return;
    // What a client sends after a request that is to be its last is not read.
    if (unanswered && unanswered.size > 0 && hasCode(error, 'HPE_CLOSED_CONNECTION')) return;
    const isOfUnanswered = unanswered?.size === 1 && !first?.req.complete && !first?.headersSent;
    const isOfNext = !first && coming?.complete !== false;
    // An answer would be taken for that to another request, or come in the middle of one.
    if (isOfUnanswered || isOfNext) refuseBrokenRequest(error, socket);
    else socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    connections,
    startDraining: () => {
      connections.startDraining();
    },
    drain: (options) => connections.drain(options),
    close: () => closeWhenQuiet(server, () => connections.unanswered),
    async destroy() {
      const open = await countConnections(server);
      server.closeAllConnections();
      return open;
    },
  };
}

const QUIET_MS = 250;
const LOOK_EVERY_MS = 50;

/**
 * Closes a server whose last answers are being sent. Node counts a connection that has not sent a request yet as
 * busy; such connections are cut once there has been no request for a moment.
 */
function closeWhenQuiet(server: Server, unanswered: () => number): Promise<void> {
  return new Promise((resolve) => {
    let quietMs = 0;
    const looking = setInterval(() => {
      server.closeIdleConnections();
      quietMs = unanswered() === 0 ? quietMs + LOOK_EVERY_MS : 0;
      if (quietMs >= QUIET_MS) server.closeAllConnections();
    }, LOOK_EVERY_MS);
    server.close(() => {
      clearInterval(looking);
      resolve();
    });
  });
}

const countConnections = (server: Server): Promise<number> =>
  new Promise((resolve) => {
    server.getConnections((error, count) => {
      resolve(error ? 0 : count);
    });
  });

const hasCode = (error: Error, code: string): boolean => (error as NodeJS.ErrnoException).code === code;

const LINGER_MS = 1000;

/** Answers what is not HTTP, too large or too slow, before there is a request that a handler could answer. */
function refuseBrokenRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
  // An answer has been sent already; what still arrives is dropped.
  if (socket.writableEnded) return;
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const [status, detail] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ['431 Request Header Fields Too Large', 'The headers are larger than 16 KiB']
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['408 Request Timeout', 'The request took too long to arrive']
        : ['400 Bad Request', 'The request is not valid HTTP'];
  // A client that is still sending gets time to see the answer, but not as much as it likes.
  setTimeout(() => {
    socket.destroy();
  }, LINGER_MS).unref();
  const body = JSON.stringify({ error: status.slice(4), detail, tool_name: null, reason: null });
  socket.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
