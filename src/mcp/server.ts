import { McpServer, Server, fromJsonSchema } from '@modelcontextprotocol/server';
import type { CacheScope, jsonSchemaValidator, ServerOptions, Transport } from '@modelcontextprotocol/server';
import type { TransportName } from '../monitoring/metrics/labels.ts';
import { onConnected } from '../monitoring/door/door-adapter.ts';
import type { OfferedTool } from '../tools/offered-tool.ts';
import type { McpBinding } from './binding.ts';
import { connectDoor } from './connect-door.ts';
import { ToolCalls } from './tool-calls.ts';
import { VERSIONS } from './versions.ts';

/** What clients may keep a tools/list answer for, in milliseconds. */
const LIST_TTL_MS = 60_000;

/**
 * Makes SDK servers that share one catalogue: each costs a few closures, whatever the number of tools.
 */
export class ServerFactory {
  readonly #binding: McpBinding;
  readonly #transport: TransportName;
  readonly #options: { readonly legacy: ServerOptions; readonly modern: ServerOptions };
  readonly #headerTools = new HeaderTools();

  constructor(binding: McpBinding, transport: TransportName) {
    this.#binding = binding;
    this.#transport = transport;
    const cacheScope: CacheScope = binding.authenticated ? 'private' : 'public';
    const legacy: ServerOptions = {
      // Stated, because the SDK's default is true, and no client is told of changes.
      capabilities: { tools: { listChanged: false }, logging: {} },
      jsonSchemaValidator: noValidator,
      requestState: { verify: (state, context) => binding.requestState.codec.verify(state, context) },
      cacheHints: {
        'tools/list': { ttlMs: LIST_TTL_MS, cacheScope },
        'server/discover': { ttlMs: LIST_TTL_MS, cacheScope },
      },
    };
    this.#options = { legacy, modern: { ...legacy, supportedProtocolVersions: [...VERSIONS] } };
  }

  /** Whether calls of the tool need the SDK's check of `Mcp-Param-*` headers. */
  checksHeaders(toolName: string): boolean {
    return this.#headerTools.among(this.#binding.catalogue.tools).some(({ name }) => name === toolName);
  }

  /** A server for one connection, or one modern request, of the era given. */
  create(era: 'legacy' | 'modern'): Server {
    return this.#bind(new Server(this.#binding.info, this.#options[era]));
  }

  /**
   * A server for one modern request of the SDK's own handler, which connects it, and looks for header tools in a
   * McpServer.
   */
  createForHandler(): Server | McpServer {
    const headerTools = this.#headerTools.among(this.#binding.catalogue.tools);
    if (headerTools.length === 0) return this.#withDoor(this.create('modern'));
    const product = new McpServer(this.#binding.info, this.#options.modern);
    for (const { name, listing } of headerTools) {
      product.registerTool(name, { inputSchema: fromJsonSchema(listing.inputSchema) }, () => ({
        content: [],
      }));
    }
    this.#withDoor(this.#bind(product.server));
    return product;
  }

  #withDoor(server: Server): Server {
    onConnected<Transport>(server, (transport) =>
      connectDoor(transport, { transport: this.#transport }, this.#binding),
    );
    return server;
  }

  #bind(server: Server): Server {
    const calls = new ToolCalls(server, this.#binding, this.#transport);
    server.setRequestHandler('tools/list', (_request, context) => calls.list(context));
    server.setRequestHandler('tools/call', (request, context) => calls.call(request.params, context));
    server.onerror = this.#binding.onProtocolError;
    return server;
  }
}

/** Tools that mirror arguments in `Mcp-Param-*` headers, which only the SDK's high-level server checks. */
class HeaderTools {
  #tools: readonly OfferedTool[] = [];
  #found: readonly OfferedTool[] = [];

  /** @param tools a snapshot of the catalogue; looked through once */
  among(tools: readonly OfferedTool[]): readonly OfferedTool[] {
    if (tools !== this.#tools) this.#found = tools.filter(mirrorsArguments);
    this.#tools = tools;
    return this.#found;
  }
}

const mirrorsArguments = ({ listing }: OfferedTool): boolean =>
  JSON.stringify(listing.inputSchema).includes('"x-mcp-header"');

/** Without this every server would compile a JSON Schema validator of its own; the executor validates. */
const noValidator: jsonSchemaValidator = {
  getValidator: () => {
    throw new Error('the protocol layer validates no schemas');
  },
};
