import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { InMemoryTaskStore } from '@modelcontextprotocol/sdk/experimental/tasks';
import {
  CallToolResultSchema,
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  McpError,
  ResourceUpdatedNotificationSchema,
  type Result,
} from '@modelcontextprotocol/sdk/types.js';
import { waitUntil } from './wait.ts';

/** What the user of a client answers. */
const ACCEPTED = { action: 'accept', content: { name: 'Ada', check: true, integer: 7 } } as const;
const SAMPLED = { model: 'm', role: 'assistant', content: { type: 'text', text: 'sampled' } } as const;

const ALL = {
  roots: { listChanged: true },
  sampling: {},
  elicitation: { form: {}, url: {} },
  tasks: { requests: { sampling: { createMessage: {} }, elicitation: { create: {} } } },
};

/** The official v1 client with all that a client of the 2025 era can have, and what it was asked and told. */
export class Party {
  readonly client = new Client(
    { name: 'test-client', version: '1.2.3' },
    { taskStore: new InMemoryTaskStore(), capabilities: ALL },
  );
  /** The tools that it has called. */
  readonly called = new Set<string>();
  #heard: unknown[] = [];

  /** Connects, and waits until the stream is open on which a server says what belongs to no request. */
  static async connect(base: string): Promise<Party> {
    const party = new Party();
    const opened = Promise.withResolvers<true>();
    const transport = new StreamableHTTPClientTransport(new URL(`${base}/mcp`), {
      fetch: async (url, init) => {
        const response = await fetch(url, init);
        if (init?.method === 'GET' && response.ok) opened.resolve(true);
        return response;
      },
    });
    await party.client.connect(transport);
    await opened.promise;
    return party;
  }

  private constructor() {
    const { client } = this;
    const answer = async (
      what: object,
      { task: wanted }: { readonly task?: { readonly ttl?: number | undefined } | undefined },
      { taskStore }: Parameters<Parameters<typeof client.setRequestHandler>[1]>[1],
      result: Result,
    ): Promise<Result> => {
      this.#heard.push(what);
      if (!wanted || !taskStore) return result;
      const task = await taskStore.createTask({ ttl: wanted.ttl ?? null });
      await taskStore.storeTaskResult(task.taskId, 'completed', result);
      return { task };
    };
    client.setRequestHandler(CreateMessageRequestSchema, ({ params }, extra) =>
      answer({ sampling: params }, params, extra, SAMPLED),
    );
    client.setRequestHandler(ElicitRequestSchema, ({ params }, extra) =>
      answer({ elicitation: params }, params, extra, ACCEPTED),
    );
    client.setRequestHandler(ListRootsRequestSchema, () => ({
      roots: [{ uri: 'file:///here', name: 'here' }],
    }));
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
      this.#heard.push({ log: params });
    });
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
      this.#heard.push({ updated: params });
    });
  }

  /** Calls a tool, whatever was listed of it, and resolves to its result with the progress before it. */
  async call(name: string, args: Record<string, unknown> = {}): Promise<object> {
    this.called.add(name);
    const progress: unknown[] = [];
    const onprogress = (each: unknown): void => void progress.push(each);
    const request = { method: 'tools/call', params: { name, arguments: args } } as const;
    const result = await this.client.request(request, CallToolResultSchema, { onprogress });
    return { result, progress };
  }

  /** The first that it was asked or told whose JSON matches, once there is one; and forgets all that match. */
  async hears(pattern: RegExp): Promise<unknown> {
    const matches = (each: unknown): boolean => pattern.test(JSON.stringify(each));
    const first = await waitUntil(() => this.#heard.find(matches));
    this.#heard = this.#heard.filter((each) => !matches(each));
    return first;
  }
}

/** The error of the protocol that asking came to; throws where there was an answer. */
export async function refusal(asking: Promise<unknown>): Promise<unknown> {
  const error = await asking.then(
    () => new Error('it was not refused'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof McpError)) throw error;
  return timeless({ code: error.code, message: error.message, data: error.data });
}

const IDS = /[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|[\da-f]{32}/g;
const TIMES = /\d{4}-\d\d-\d\dT[\d:.]+Z|\d{1,2}:\d\d:\d\d(?:\s[AP]M)?/g;

/** What is sent as JSON, without ids and times, which are never the same. */
export function timeless(value: object): unknown {
  const json = JSON.stringify(value, (key, each: unknown) =>
    key === 'blob' && typeof each === 'string' ? Buffer.from(each, 'base64').toString('latin1') : each,
  );
  return JSON.parse(json.replaceAll(IDS, 'an id').replaceAll(TIMES, 'a time'));
}
