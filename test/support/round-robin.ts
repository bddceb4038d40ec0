import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Backend {
  readonly url: string;
  /** Where it says whether it is ready. */
  readonly readyUrl: string;
}

/** How often a backend is asked whether it is ready, in milliseconds. */
const LOOK_EVERY_MS = 50;

/**
 * A plain proxy: each request goes to the next backend that is ready, on a connection of its own. It tries no request twice,
 * unless nobody listened.
 */
export class RoundRobin {
  /** May change at any time. */
  backends: readonly Backend[] = [];
  /** How often each status was answered. */
  readonly statuses = new Map<number, number>();
  /** By their URLs. */
  readonly #ready = new Set<string>();
  readonly #server = createServer((request, response) => {
    this.#pass(request, response, 3);
  });
  #next = 0;
  #looking: NodeJS.Timeout | undefined;

  /** Resolves to its URL. */
  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#looking = setInterval(() => void this.look(), LOOK_EVERY_MS);
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    clearInterval(this.#looking);
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** Asks which backends are ready. */
  async look(): Promise<void> {
    await Promise.all(
      this.backends.map(async (backend) => {
        const answer = await fetch(backend.readyUrl).catch(() => undefined);
        await answer?.arrayBuffer();
        if (answer?.ok === true) this.#ready.add(backend.url);
        else this.#ready.delete(backend.url);
      }),
    );
  }

  #pass(request: IncomingMessage, response: ServerResponse, tries: number): void {
    const ready = this.backends.filter((backend) => this.#ready.has(backend.url));
    const backend = ready[(this.#next += 1) % ready.length];
    const refuse = (status: number): void => {
      this.#count(status);
      if (response.headersSent) response.destroy();
      else response.writeHead(status).end();
    };
    if (!backend) {
      refuse(503);
      return;
    }
    const { method, url, headers } = request;
    const options = { method, headers: { ...headers, connection: 'close' }, agent: false };
    const upstream = httpRequest(new URL(url ?? '/', backend.url), options, (answer) => {
      this.#count(answer.statusCode ?? 0);
      const { connection: _connection, ...passed } = answer.headers;
      response.writeHead(answer.statusCode ?? 502, passed);
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    });
    upstream.on('error', (error: NodeJS.ErrnoException) => {
      if (response.destroyed) return;
      if (error.code === 'ECONNREFUSED' && tries > 0) {
        this.#ready.delete(backend.url);
        // Nothing of the body has been read: it is piped once the connection is there.
        this.#pass(request, response, tries - 1);
      } else refuse(502);
    });
    upstream.on('socket', (socket) => {
      socket.on('connect', () => request.pipe(upstream));
    });
    response.on('close', () => upstream.destroy());
  }

  #count(status: number): void {
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
  }
}
