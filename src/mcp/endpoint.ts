import type { IncomingMessage, ServerResponse } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import {
  ProtocolErrorCode,
  classifyInboundRequest,
  createMcpHandler,
  type AuthInfo,
  type InboundModernRoute,
  type McpHttpHandler,
} from '@modelcontextprotocol/server';
import { Listens } from '../monitoring/listens.ts';
import type { McpBinding } from './binding.ts';
import { authInfoOf, type Origin } from './caller.ts';
import { serveExchange } from './exchange.ts';
import { MODERN_VERSION, ServerFactory } from './server.ts';
import { SessionStore, type SessionLimits, type SessionProblem } from './sessions.ts';

export interface EndpointOptions {
  readonly sessions: SessionLimits;
  /** Most subscriptions/listen streams open at a time. */
  readonly maxSubscriptions: number;
}

/** What the SDK's Node handlers take: a request, and who makes it. */
type Authenticated = IncomingMessage & { auth: AuthInfo; method: string; url: string };

/** The HTTP endpoint `/mcp`: answers 2025-era requests from sessions and modern ones one by one. */
export class McpEndpoint {
  readonly sessions: SessionStore;
  readonly #servers: ServerFactory;
  readonly #handler: McpHttpHandler;
  readonly #handle: ReturnType<typeof toNodeHandler>;
  readonly #listens: Listens;

  constructor(binding: McpBinding, { sessions, maxSubscriptions }: EndpointOptions) {
    this.#servers = new ServerFactory(binding, 'http');
    this.sessions = new SessionStore(this.#servers, sessions, binding);
    this.#handler = createMcpHandler(() => this.#servers.createForHandler(), {
      legacy: 'reject',
      maxSubscriptions,
      onerror: binding.onProtocolError,
    });
    this.#listens = new Listens(binding);
    this.#listens.watch(this.#handler);
    this.#handle = toNodeHandler(this.#handler, { onerror: binding.onError });
  }

  /** Open subscriptions/listen streams. */
  get subscriptions(): number {
    return this.#listens.size;
  }

  /**
   * Serves a request that passed the guards.
   * @param body the parsed body of a POST, else `undefined`
   */
  async handle(
    request: IncomingMessage,
    response: ServerResponse,
    body: unknown,
    origin: Origin,
  ): Promise<void> {
    const { headers, method = 'GET' } = request;
    const authInfo = ((request as Authenticated).auth = authInfoOf(origin));
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
      answerProblem('batch', response);
    } else if (route.kind === 'legacy') {
      const problem = await this.sessions.handle(request, response, body, origin.caller);
      if (problem) answerProblem(problem, response);
    } else if (route.kind === 'modern' && this.#isPlainCall(route, request)) {
      await serveExchange(this.#servers.create('modern'), route, response, authInfo);
    } else {
      await this.#handle(request as Authenticated, response, body);
    }
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
  refuse(): void {
    this.sessions.refuse();
  }

  /** Ends all streams: subscriptions with their final result, sessions without further notice. */
  async close(): Promise<void> {
    this.sessions.close();
    await this.#handler.close();
  }
}

const header = <Name extends string>(
  name: Name,
  value: string | string[] | undefined,
): Partial<Record<Name, string>> =>
  (value === undefined ? {} : { [name]: String(value) }) as Partial<Record<Name, string>>;

/** Revisions without JSON-RPC batches; MCP 2025-06-18, "Major changes". */
const NO_BATCHES: ReadonlySet<string> = new Set(['2025-06-18', '2025-11-25']);

// Statuses: MCP 2025-11-25, "Session Management".
const PROBLEMS: Record<SessionProblem | 'batch', { status: number; code: number; message: string }> = {
  batch: {
    status: 400,
    code: ProtocolErrorCode.InvalidRequest,
    message: 'This revision of MCP has no batches: send one message in a request',
  },
  missing_id: {
    status: 400,
    code: ProtocolErrorCode.InvalidRequest,
    message:
      'The Mcp-Session-Id header is missing: begin a session with initialize, or send a 2026-07-28 request',
  },
  not_found: {
    status: 404,
    code: ProtocolErrorCode.InvalidRequest,
    message:
      'There is no such session: it ended or belongs to another replica; begin a new one with initialize',
  },
  full: {
    status: 503,
    code: ProtocolErrorCode.InternalError,
    message: 'The server has no room for another session; try again later',
  },
  closing: {
    status: 503,
    code: ProtocolErrorCode.InternalError,
    message: 'The server is shutting down; try again',
  },
};

function answerProblem(problem: SessionProblem | 'batch', response: ServerResponse): void {
  const { status, code, message } = PROBLEMS[problem];
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(status === 503 && { 'retry-after': '1' }),
  });
  response.end(JSON.stringify({ jsonrpc: '2.0', error: { code, message }, id: null }));
}
