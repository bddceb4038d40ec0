import type { IncomingMessage } from 'node:http';
import { toWebRequest } from '@modelcontextprotocol/node';
import {
  createMcpHandler,
  fromJsonSchema,
  McpServer,
  type AuthInfo,
  type InboundModernRoute,
  type McpHttpHandler,
} from '@modelcontextprotocol/server';
import { visibleTo } from '../authorization/rights.ts';
import type { OfferedTool } from '../tools/offered-tool.ts';
import type { McpBinding } from './binding.ts';
import { senderIn } from './sender.ts';
import { MODERN_VERSION } from './versions.ts';

/** A request that a server received has both. */
type Received = IncomingMessage & { method: string; url: string };

/**
 * Whether the headers of a tools/call say what its body says (MCP 2026-07-28, "Streamable HTTP"). The SDK knows, but tells
 * only while it serves a call: it is asked with a server whose tools do nothing.
 */
export class HeaderCheck {
  readonly #binding: McpBinding;
  readonly #headerTools = new HeaderTools();
  readonly #asked: McpHttpHandler;

  constructor(binding: McpBinding) {
    this.#binding = binding;
    this.#asked = createMcpHandler(({ authInfo }) => this.#idleServer(authInfo), {
      legacy: 'reject',
      onerror: binding.onProtocolError,
    });
  }

  /** The SDK's refusal of a call for its headers, if it refuses it; of those that {@link headersMatch} it refuses none. */
  async refusal(
    request: IncomingMessage,
    route: InboundModernRoute,
    authInfo: AuthInfo,
  ): Promise<Response | undefined> {
    const parsedBody = route.message;
    const answer = await this.#asked.fetch(await toWebRequest(request as Received, parsedBody), {
      parsedBody,
      authInfo,
    });
    return answer.ok ? undefined : answer;
  }

  /** Whether the SDK would have nothing to say: most calls are like this, and asking costs more than a call. */
  headersMatch({ headers }: IncomingMessage, { classification, message }: InboundModernRoute): boolean {
    const name = message.params?.['name'];
    return (
      classification.revision === MODERN_VERSION &&
      headers['mcp-protocol-version'] !== undefined &&
      headers['mcp-method'] === message.method &&
      typeof name === 'string' &&
      headers['mcp-name'] === name &&
      !this.#tools.some((tool) => tool.name === name)
    );
  }

  get #tools(): readonly OfferedTool[] {
    return this.#headerTools.among(this.#binding.catalogue.tools);
  }

  /** Only the SDK's high-level server has its `Mcp-Param-*` headers checked. */
  #idleServer(authInfo: AuthInfo | undefined): McpServer {
    const server = new McpServer(this.#binding.info, { capabilities: { tools: {} } });
    const nothing = () => ({ content: [] });
    const { caller } = senderIn(authInfo, 'http', this.#binding.newRequestId);
    // Of others nothing is said, not even which headers they take.
    for (const { name, listing } of visibleTo(caller, this.#tools))
      server.registerTool(name, { inputSchema: fromJsonSchema(listing.inputSchema) }, nothing);
    server.server.setRequestHandler('tools/call', nothing);
    return server;
  }
}

/** Tools that mirror arguments in `Mcp-Param-*` headers. */
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
