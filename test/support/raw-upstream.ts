import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { Certified } from './certificates.ts';

/** A message, as far as tests look at it. */
export interface RawMessage {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

export type Behaviour = (message: RawMessage, response: ServerResponse, request: IncomingMessage) => unknown;

/** Answers with a result, as JSON. */
export const answer = (response: ServerResponse, { id }: RawMessage, result: object): unknown =>
  response
    .writeHead(200, { 'content-type': 'application/json' })
    .end(JSON.stringify({ jsonrpc: '2.0', id, result }));

const NO_METHOD = -32_601;

/** Answers with an error of JSON-RPC. */
export const refuse = (
  response: ServerResponse,
  { id }: RawMessage,
  code = NO_METHOD,
  message = 'no',
): unknown =>
  response
    .writeHead(code === NO_METHOD ? 404 : 200, { 'content-type': 'application/json' })
    .end(JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } }));

const tool = (name: string) => ({ name, description: 'A tool.', inputSchema: { type: 'object' } });

/**
 * A server of the 2025 era without sessions that does as it is told: the behaviour of a method, or `any`, in place of the usual one.
 */
export class RawUpstream {
  behaviour: Partial<Record<string, Behaviour>> = {};
  /** The names of the tools it lists. */
  tools: readonly string[] = ['works'];
  /** What it was sent. */
  readonly received: RawMessage[] = [];
  readonly #scheme: 'http' | 'https';
  readonly #server;

  /** @param certified with which it speaks TLS */
  constructor(certified?: Certified) {
    const serve = (request: IncomingMessage, response: ServerResponse): void =>
      void this.#serve(request, response);
    this.#scheme = certified ? 'https' : 'http';
    this.#server = certified ? createTlsServer(certified, serve) : createServer(serve);
  }

  /** Returns its URL. */
  async listen(port = 0): Promise<string> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    return `${this.#scheme}://127.0.0.1:${this.port}/mcp`;
  }

  get listening(): boolean {
    return this.#server.listening;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  count(method: string): number {
    return this.received.filter((message) => message.method === method).length;
  }

  /** Open connections to it. */
  connections(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.getConnections((_error, count) => {
        resolve(count);
      });
    });
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const message = (
      request.method === 'POST' ? await json(request) : { method: request.method }
    ) as RawMessage;
    this.received.push(message);
    const behave = this.behaviour['any'] ?? this.behaviour[message.method ?? ''];
    if (behave) await behave(message, response, request);
    else this.usual(message, response);
  }

  /** What it does if not told otherwise. */
  usual(message: RawMessage, response: ServerResponse): unknown {
    switch (message.method ?? '') {
      case 'initialize':
        return answer(response, message, {
          protocolVersion: '2025-11-25',
          capabilities: { tools: {} },
          serverInfo: { name: 'raw', version: '1' },
        });
      case 'tools/list':
        return answer(response, message, { tools: this.tools.map(tool) });
      case 'tools/call':
        return answer(response, message, { content: [{ type: 'text', text: 'done' }] });
      case 'ping':
        return answer(response, message, {});
      case 'GET':
        return response.writeHead(405).end();
      default:
        return message.id === undefined ? response.writeHead(202).end() : refuse(response, message);
    }
  }
}
