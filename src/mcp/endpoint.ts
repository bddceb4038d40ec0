import type { IncomingMessage, ServerResponse } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import {
  classifyInboundRequest,
  createMcpHandler,
  type AuthInfo,
  type InboundModernRoute,
  type McpHttpHandler,
} from '@modelcontextprotocol/server';
import { ERROR_CODES } from '../monitoring/door/json-rpc.ts';
import { LISTEN } from '../monitoring/door/message.ts';
import { takeListens } from '../monitoring/door/listens.ts';
import type { McpBinding } from './binding.ts';
import { authInfoOf, type Sender } from './sender.ts';
import { serveExchange } from './exchange.ts';
import { MODERN_VERSION, ServerFactory } from './server.ts';
import { Sessions, type SessionLimits, type SessionProblem } from './sessions.ts';

export interface EndpointOptions {
  readonly sessions: SessionLimits;
  /** Most subscriptions/listen streams open at a time. */
  readonly maxSubscriptions: number;
}

/** What the SDK's Node handlers take: a request, and who makes it. */
type Authenticated = IncomingMessage & { auth: AuthInfo; method: string; url: string };

/** The HTTP endpoint `/mcp`: answers 2025-era requests from sessions and modern ones one by one. */
export class McpEndpoint {
  readonly sessions: Sessions;
  readonly #binding: McpBinding;
  readonly #servers: ServerFactory;
  /** The SDK's handler of modern requests, and its entrance from Node. */
  readonly #modern: McpHttpHandler;
  readonly #serveModern: ReturnType<typeof toNodeHandler>;

  constructor(binding: McpBinding, { sessions, maxSubscriptions }: EndpointOptions) {
    this.#binding = binding;
    this.#servers = new ServerFactory(binding, 'http');
    this.sessions = new Sessions(this.#servers, sessions, binding);
    this.#modern = createMcpHandler(() => this.#servers.createForHandler(), {
      legacy: 'reject',
      maxSubscriptions,
      keepAliveMs: binding.keepAliveSeconds * 1000,
      onerror: binding.onProtocolError,
    });
    takeListens(this.#modern, binding.door);
    this.#serveModern = toNodeHandler(this.#modern, { onerror: binding.onError });
  }

  /**
   * Serves a request that passed the guards.
   * @param body the parsed body of a POST, else `undefined`
   * @returns why it did not, and then nothing was written
   */
  async serve(
    request: IncomingMessage,
    response: ServerResponse,
    body: unknown,
    sender: Sender,
  ): Promise<McpRefusal | undefined> {
    const { headers, method = 'GET' } = request;
    const authInfo = ((request as Authenticated).auth = authInfoOf(sender));
    // A stop ends the stream, and what else would come on its connection.
    if (method === 'GET' || (body as { method?: unknown } | null | undefined)?.method === LISTEN)
      response.setHeader('connection', 'close');
    const route = classifyInboundRequest({
      httpMethod: method,
      ...header('protocolVersionHeader', headers['mcp-protocol-version']),
      ...header('mcpMethodHeader', headers['mcp-method']),
      ...header('mcpNameHeader', headers['mcp-name']),
      ...(body !== undefined && { body }),
    });
    if (
      route.kind === 'legacy' &&
      Array.isArray(body) &&
      NO_BATCHES.has(String(headers['mcp-protocol-version']))
    ) {
      return REFUSALS.batch;
    } else if (route.kind === 'legacy') {
      const problem = await this.sessions.serve(request, response, body, sender.caller);
      if (problem) return { ...REFUSALS[problem.kind], ...('id' in problem && { id: problem.id }) };
    } else if (route.kind === 'modern' && this.#isPlainCall(route, request)) {
      await serveExchange(this.#servers.create('modern'), this.#binding, route, response, authInfo);
    } else {
      await this.#serveModern(request as Authenticated, response, body);
    }
    return undefined;
  }

  /**
   * Whether a request is a tools/call about whose headers there is nothing to check or to say: the SDK's handler
   * would do no more with it than serve it.
   */
  #isPlainCall(
    { classification, messageKind, message }: InboundModernRoute,
    { headers }: IncomingMessage,
  ): boolean {
    return (
      messageKind === 'request' &&
      message.method === 'tools/call' &&
      classification.revision === MODERN_VERSION &&
      headers['mcp-protocol-version'] !== undefined &&
      headers['mcp-method'] === 'tools/call' &&
      typeof message.params?.['name'] === 'string' &&
      headers['mcp-name'] === message.params['name'] &&
      !this.#servers.checksHeaders(message.params['name'])
    );
  }

  /** Opens no new sessions; those there are go on. */
  acceptNoSessions(): void {
    this.sessions.acceptNone();
  }

  /** Ends all streams: subscriptions with their final result, sessions with an error for what is in flight. */
  async close(): Promise<void> {
    await Promise.all([this.sessions.close(), this.#modern.close()]);
  }
}

const header = <Name extends string>(
  name: Name,
  value: string | string[] | undefined,
): Partial<Record<Name, string>> =>
  (value === undefined ? {} : { [name]: String(value) }) as Partial<Record<Name, string>>;

/** Revisions without JSON-RPC batches; MCP 2025-06-18, "Major changes". */
const NO_BATCHES: ReadonlySet<string> = new Set(['2025-06-18', '2025-11-25']);

/** Why the endpoint did not serve a request, for whoever answers it over HTTP. */
export interface McpRefusal {
  readonly status: number;
  /** Of the JSON-RPC error. */
  readonly code: number;
  readonly detail: string;
  /** The id of the request, where that can be told. */
  readonly id?: string | number;
  readonly headers?: Readonly<Record<string, string>>;
}

// Statuses: MCP 2025-11-25, "Session Management".
const REFUSALS: Record<SessionProblem['kind'] | 'batch', McpRefusal> = {
  batch: {
    status: 400,
    code: ERROR_CODES.invalidRequest,
    detail: 'This revision of MCP has no batches: send one message in a request',
  },
  id_in_use: {
    status: 400,
    code: ERROR_CODES.invalidRequest,
    detail:
      'Another request of this session has the same id and is in flight: give each request an id of its own',
  },
  missing_id: {
    status: 400,
    code: ERROR_CODES.invalidRequest,
    detail:
      'The Mcp-Session-Id header is missing: begin a session with initialize, or send a 2026-07-28 request',
  },
  not_found: {
    status: 404,
    code: ERROR_CODES.invalidRequest,
    detail:
      'There is no such session: it ended or belongs to another replica; begin a new one with initialize',
  },
  full: {
    status: 503,
    code: ERROR_CODES.internalError,
    detail: 'The server has no room for another session; try again later',
    headers: { 'retry-after': '1' },
  },
  closing: {
    status: 503,
    code: ERROR_CODES.internalError,
    detail: 'The server is shutting down; try again',
    headers: { 'retry-after': '1' },
  },
};
