import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { InMemoryEventStore } from '@modelcontextprotocol/sdk/examples/shared/inMemoryEventStore.js';
import { completable } from '@modelcontextprotocol/sdk/server/completable.js';
import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { SubscribeRequestSchema, UnsubscribeRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';

const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] });
const said = (value: string) => ({
  messages: [{ role: 'user' as const, content: { type: 'text' as const, text: value } }],
});

const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';

const STEP_MS = 50;

/**
 * A server of the 2025 era by the v1 SDK that has all that the era has, under the names by which the official conformance suite
 * asks for it: tools that report, log, ask and sample, resources, prompts and completion, with sessions that can be resumed.
 */
export class FullUpstream {
  /** The headers of what it was sent. */
  readonly headers: IncomingMessage['headers'][] = [];
  /** Tells all who subscribed to a resource that it has changed. */
  readonly changed = (uri: string): Promise<unknown> =>
    Promise.all([...this.#subscribers].map((tell) => tell(uri)));
  readonly #subscribers = new Set<Tell>();
  readonly #transports = new Map<string, StreamableHTTPServerTransport>();
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  /** Returns its URL. */
  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/mcp`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** Forgets all sessions, as a restart does. */
  forget(): void {
    this.#transports.clear();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.headers.push(request.headers);
    // Of a page of some other site (DNS rebinding).
    if (!/^(127\.0\.0\.1|localhost)(:|$)/.test(request.headers.host ?? '')) {
      response.writeHead(403).end();
      return;
    }
    const body: unknown = request.method === 'POST' ? await json(request) : undefined;
    const id = request.headers['mcp-session-id'];
    const known = this.#transports.get(String(id));
    if (!known && id !== undefined) response.writeHead(404).end();
    else await (known ?? (await this.#open())).handleRequest(request, response, body);
  }

  async #open(): Promise<StreamableHTTPServerTransport> {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      eventStore: new InMemoryEventStore(),
      retryInterval: 100,
      onsessioninitialized: (id) => void this.#transports.set(id, transport),
      onsessionclosed: (id) => void this.#transports.delete(id),
    });
    await fullServer(this.#subscribers).connect(transport);
    return transport;
  }
}

/** Tells a client of a resource that it subscribed to. */
type Tell = (uri: string) => Promise<void>;

function fullServer(subscribers: Set<Tell>): McpServer {
  const server = new McpServer(
    { name: 'full', version: '1.0.0' },
    { capabilities: { logging: {}, resources: { subscribe: true }, completions: {} } },
  );
  addTools(server);
  addResources(server, subscribers);
  addPrompts(server);
  return server;
}

function addTools(server: McpServer): void {
  const description = 'A tool for tests.';
  const embedded = {
    type: 'resource' as const,
    resource: { uri: 'test://embedded', mimeType: 'text/plain', text: 'embedded' },
  };
  const image = { type: 'image' as const, data: PNG, mimeType: 'image/png' };
  server.registerTool('test_simple_text', { description }, () => text('This is a simple text response.'));
  server.registerTool('test_image_content', { description }, () => ({ content: [image] }));
  server.registerTool('test_embedded_resource', { description }, () => ({ content: [embedded] }));
  server.registerTool('test_multiple_content_types', { description }, () => ({
    content: [{ type: 'text', text: 'several' }, image, embedded],
  }));
  server.registerTool('test_error_handling', { description }, () => ({
    ...text('This tool intentionally returns an error for testing'),
    isError: true,
  }));
  server.registerTool('test_tool_with_logging', { description }, async (extra) => {
    for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
      await extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data } });
      await sleep(STEP_MS);
    }
    return text('logged');
  });
  server.registerTool('test_tool_with_progress', { description }, async ({ _meta, sendNotification }) => {
    const progressToken = _meta?.progressToken ?? 0;
    for (const progress of [0, 50, 100]) {
      await sendNotification({
        method: 'notifications/progress',
        params: { progressToken, progress, total: 100 },
      });
      await sleep(STEP_MS);
    }
    return text('reported');
  });
  server.registerTool('test_reconnection', { description }, async ({ closeSSEStream }) => {
    closeSSEStream?.();
    await sleep(STEP_MS);
    return text('Finished after the stream was closed');
  });
  server.registerTool(
    'test_sampling',
    { description, inputSchema: { prompt: z.string() } },
    async ({ prompt }) => {
      const { content } = await server.server.createMessage({
        messages: [{ role: 'user', content: { type: 'text', text: prompt } }],
        maxTokens: 100,
      });
      return text(`LLM response: ${JSON.stringify(content)}`);
    },
  );
  server.registerTool(
    'test_elicitation',
    { description, inputSchema: { message: z.string() } },
    async ({ message }, { sendRequest }) => {
      const requestedSchema = {
        type: 'object' as const,
        properties: { username: { type: 'string' as const }, email: { type: 'string' as const } },
      };
      const answer = await sendRequest(
        { method: 'elicitation/create', params: { message, requestedSchema } },
        z.looseObject({ action: z.string() }),
      );
      return text(`User response: ${JSON.stringify(answer)}`);
    },
  );
}

function addResources(server: McpServer, subscribers: Set<Tell>): void {
  server.registerResource('text', 'test://static-text', {}, ({ href: uri }) => ({
    contents: [{ uri, mimeType: 'text/plain', text: 'This is the content of the static text resource.' }],
  }));
  server.registerResource('binary', 'test://static-binary', {}, ({ href: uri }) => ({
    contents: [{ uri, mimeType: 'image/png', blob: PNG }],
  }));
  server.registerResource('watched', 'test://watched-resource', {}, ({ href: uri }) => ({
    contents: [{ uri, text: 'watched' }],
  }));
  server.registerResource(
    'template',
    new ResourceTemplate('test://template/{id}/data', { list: undefined }),
    {},
    ({ href: uri }, { id }) => ({
      contents: [
        { uri, mimeType: 'application/json', text: JSON.stringify({ id, data: `of ${String(id)}` }) },
      ],
    }),
  );
  const subscribed = new Set<string>();
  subscribers.add(async (uri) => {
    if (subscribed.has(uri)) await server.server.sendResourceUpdated({ uri });
  });
  server.server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
    subscribed.add(params.uri);
    return {};
  });
  server.server.setRequestHandler(UnsubscribeRequestSchema, ({ params }) => {
    subscribed.delete(params.uri);
    return {};
  });
}

function addPrompts(server: McpServer): void {
  const description = 'A prompt for tests.';
  server.registerPrompt('test_simple_prompt', { description }, () => said('This is a simple prompt.'));
  server.registerPrompt(
    'test_prompt_with_arguments',
    {
      description,
      argsSchema: {
        arg1: completable(z.string(), (value) => [`${value}-completed`]),
        arg2: z.string(),
      },
    },
    ({ arg1, arg2 }) => said(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`),
  );
  server.registerPrompt(
    'test_prompt_with_embedded_resource',
    { description, argsSchema: { resourceUri: z.string() } },
    ({ resourceUri: uri }) => ({
      messages: [
        {
          role: 'user',
          content: { type: 'resource', resource: { uri, mimeType: 'text/plain', text: 'embedded' } },
        },
      ],
    }),
  );
  server.registerPrompt('test_prompt_with_image', { description }, () => ({
    messages: [{ role: 'user', content: { type: 'image', data: PNG, mimeType: 'image/png' } }],
  }));
}
