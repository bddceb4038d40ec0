import {
  Server,
  type CacheScope,
  type CallToolResult,
  type InputRequiredResult,
  type jsonSchemaValidator,
  type ServerOptions,
  type Transport,
} from '@modelcontextprotocol/server';
import { onConnected } from '../monitoring/door/door-adapter.ts';
import type { McpBinding } from './binding.ts';
import { connectDoor } from './connect-door.ts';
import { LIST_TTL_MS } from './list-changes.ts';
import type { Channel } from './tool-calls.ts';
import { ToolServer } from './tool-server.ts';
import { VERSIONS } from './versions.ts';

/**
 * Makes SDK servers that share one catalogue: each costs a few closures, whatever the number of tools.
 */
export class ServerFactory {
  readonly #binding: McpBinding;
  readonly #channel: Omit<Channel, 'era'>;
  readonly #options: { readonly legacy: ServerOptions; readonly modern: ServerOptions };

  constructor(binding: McpBinding, channel: Omit<Channel, 'era'>) {
    this.#binding = binding;
    this.#channel = channel;
    const cacheScope: CacheScope = binding.authenticated ? 'private' : 'public';
    const legacy: ServerOptions = {
      // Stated, because the SDK's default is true, and where none can come no client is told of changes.
      capabilities: { tools: { listChanged: binding.changingList !== undefined }, logging: {} },
      jsonSchemaValidator: noValidator,
      // The executor asks, so that a call that waits is in flight and has a deadline.
      inputRequired: { legacyShim: false },
      requestState: { verify: (state, context) => binding.requestState.verify(state, context) },
      cacheHints: {
        'tools/list': { ttlMs: LIST_TTL_MS, cacheScope },
        'server/discover': { ttlMs: LIST_TTL_MS, cacheScope },
      },
    };
    this.#options = { legacy, modern: { ...legacy, supportedProtocolVersions: [...VERSIONS] } };
  }

  /** A server for one connection, or one modern request, of the era given. */
  create(era: 'legacy' | 'modern'): Server {
    return new ToolServer(this.#binding, this.#options[era], this.channelOf(era));
  }

  /** How the clients of an era reach it. */
  channelOf(era: 'legacy' | 'modern'): Channel {
    return { ...this.#channel, era };
  }

  /** A server that answers one modern call with a result that there is, in the form and by the rules of the SDK. */
  createToAnswer(called: Promise<CallToolResult | InputRequiredResult>): Server {
    const server = new Server(this.#binding.info, this.#options.modern);
    server.setRequestHandler('tools/call', async () =>
      server.projectCallToolResult((await called) as CallToolResult, undefined),
    );
    server.onerror = this.#binding.onProtocolError;
    return server;
  }

  /** A server for one modern request of the SDK's own handler, which connects it. */
  createForHandler(): Server {
    const server = this.create('modern');
    onConnected<Transport>(server, (transport) =>
      connectDoor(transport, { transport: this.#channel.transport }, this.#binding),
    );
    return server;
  }
}

/** Without this every server would compile a JSON Schema validator of its own; the executor validates. */
const noValidator: jsonSchemaValidator = {
  getValidator: () => {
    throw new Error('the protocol layer validates no schemas');
  },
};
