import { once } from 'node:events';
import {
  createServer,
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** A plain proxy: each request goes to the next backend, on a connection of its own, and is tried once. */
export class RoundRobin {
  /** Their URLs; may change at any time. */
  backends: readonly string[] = [];
  /** Every status that was answered. */
  readonly statuses = new Set<number>();
  // Idle connections stay open: one that is closed just when its client has its turn loses that request.
  readonly #server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (request, response) => {
    this.#pass(request, response);
  });
  #next = 0;
  /** Requests that a backend has not begun to answer, with its URL. */
  readonly #unanswered = new Map<ClientRequest, string>();

  /** Whether a backend has requests that it has not begun to answer. */
  isAwaited = (backend: string): boolean => [...this.#unanswered.values()].includes(backend);

  /** Resolves to its URL. */
  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #pass(request: IncomingMessage, response: ServerResponse): void {
    const backend = this.backends[(this.#next += 1) % this.backends.length] ?? '';
    const { method, url = '/', headers } = request;
    const options = { method, headers: { ...headers, connection: 'close' }, agent: false };
    const upstream = httpRequest(new URL(url, backend), options, (answer) => {
      const { statusCode = 502, headers: answered } = answer;
      this.statuses.add(statusCode);
      response.writeHead(statusCode, { ...answered, connection: 'keep-alive' });
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    });
    this.#unanswered.set(upstream, backend);
    for (const event of ['response', 'close']) upstream.once(event, () => this.#unanswered.delete(upstream));
    upstream.on('error', () => {
      if (response.destroyed) return;
      if (response.headersSent) {
        response.destroy();
        return;
      }
      this.statuses.add(502);
      response.writeHead(502).end();
    });
    request.pipe(upstream);
    response.on('close', () => upstream.destroy());
  }
}
