import { McpServer, Server, SUPPORTED_PROTOCOL_VERSIONS, fromJsonSchema } from '@modelcontextprotocol/server';
import type { CacheScope, jsonSchemaValidator, ServerOptions } from '@modelcontextprotocol/server';
import type { TransportName } from '../monitoring/labels.ts';
import type { RegisteredTool } from '../tools/registry.ts';
import type { McpBinding } from './binding.ts';
import { observe } from './observe.ts';
import { ToolCalls } from './tool-calls.ts';

/** The newest revision served, and the only stateless one. */
export const MODERN_VERSION = '2026-07-28';

/** What clients may keep a tools/list answer for, in milliseconds; tools change only with a restart. */
const LIST_TTL_MS = 60_000;

/**
 * Makes SDK servers that share one registry: each costs a few closures, whatever the number of tools.
 */
export class ServerFactory {
  readonly #binding: McpBinding;
  readonly #transport: TransportName;
  readonly #options: { readonly legacy: ServerOptions; readonly modern: ServerOptions };
  /** Tools that mirror arguments in `Mcp-Param-*` headers, which only the SDK's high-level server checks. */
  readonly #headerTools: readonly RegisteredTool[];

  constructor(binding: McpBinding, transport: TransportName) {
    this.#binding = binding;
    this.#transport = transport;
    const cacheScope: CacheScope = binding.authenticated ? 'private' : 'public';
    const legacy: ServerOptions = {
      // Stated, because the SDK's default is true; nothing can change the tools before the next start.
      capabilities: { tools: { listChanged: false }, logging: {} },
      jsonSchemaValidator: noValidator,
      requestState: { verify: (state, context) => binding.requestState.codec.verify(state, context) },
      cacheHints: {
        'tools/list': { ttlMs: LIST_TTL_MS, cacheScope },
        'server/discover': { ttlMs: LIST_TTL_MS, cacheScope },
      },
    };
    const supportedProtocolVersions = [MODERN_VERSION, ...SUPPORTED_PROTOCOL_VERSIONS];
    this.#options = { legacy, modern: { ...legacy, supportedProtocolVersions } };
    this.#headerTools = binding.registry.tools.filter(mirrorsArguments);
  }

  /** Whether calls of the tool need the SDK's check of `Mcp-Param-*` headers. */
  checksHeaders(toolName: string): boolean {
    return this.#headerTools.some(({ name }) => name === toolName);
  }

  /** A server for one connection, or one modern request, of the era given. */
  create(era: 'legacy' | 'modern', sessionId?: string): Server {
    return this.#bind(new Server(this.#binding.info, this.#options[era]), sessionId);
  }

  /** A server for one modern request of the SDK's own handler, which looks for header tools in a McpServer. */
  createForHandler(): Server | McpServer {
    if (this.#headerTools.length === 0) return this.create('modern');
    const product = new McpServer(this.#binding.info, this.#options.modern);
    for (const { name, listing } of this.#headerTools) {
      product.registerTool(name, { inputSchema: fromJsonSchema(listing.inputSchema) }, () => ({
        content: [],
      }));
    }
    this.#bind(product.server);
    return product;
  }

  #bind(server: Server, sessionId?: string): Server {
    const calls = new ToolCalls(server, this.#binding, this.#transport, sessionId);
    server.setRequestHandler('tools/list', (_request, context) => calls.list(context));
    server.setRequestHandler('tools/call', (request, context) => calls.call(request.params, context));
    server.onerror = this.#binding.onProtocolError;
    observe(server, this.#transport, calls, this.#binding);
    return server;
  }
}

const mirrorsArguments = ({ listing }: RegisteredTool): boolean =>
  JSON.stringify(listing.inputSchema).includes('"x-mcp-header"');

/** Without this every server would compile a JSON Schema validator of its own; the executor validates. */
const noValidator: jsonSchemaValidator = {
  getValidator: () => {
    throw new Error('the protocol layer validates no schemas');
  },
};
