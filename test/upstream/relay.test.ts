import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectV1Client } from '../support/clients.ts';
import { FullUpstream } from '../support/full-upstream.ts';
import { answer, RawUpstream, type RawMessage } from '../support/raw-upstream.ts';
import { messagesOf, post } from '../support/raw-session.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';
import { areUp } from './state-now.ts';

/** However busy the machine is. */
const PATIENT = { silence: 3600, answer: 60 };

const full = new FullUpstream();
const raw = new RawUpstream();
let fullUrl: string;
let modern: TestServer;
let server: TestServer;

beforeAll(async () => {
  modern = await startTestServer({ limits: { callsPerSecond: 0 } });
  fullUrl = await full.listen();
  server = await startTestServer(
    {
      limits: { callsPerSecond: 0 },
      tools: { enabled: ['add'] },
      upstreams: [
        { name: 'full', url: fullUrl, timeoutSeconds: 60 },
        { name: 'modern', url: `${modern.url}/mcp`, timeoutSeconds: 60, trustReasons: true },
        { name: 'raw', url: await raw.listen(), timeoutSeconds: 60 },
      ],
    },
    undefined,
    PATIENT,
  );
  await areUp(server, 'full', 'modern', 'raw');
});

afterAll(async () => {
  expect(await server.stop()).toBe(true);
  await modern.stop();
  full.close();
  await raw.close();
});

const relayOf = (name: string): string => `${server.url}/servers/${name}`;

describe('the relay of a 2025-era server', () => {
  it('gives a v1 client what the server itself gives it', async () => {
    const [direct, through] = await Promise.all([
      connectV1Client(fullUrl.replace(/\/mcp$/, '')),
      connectV1Client(relayOf('full')),
    ]);
    expect(through.client.getServerVersion()).toEqual(direct.client.getServerVersion());
    expect(through.client.getServerCapabilities()).toEqual(direct.client.getServerCapabilities());
    for (const ask of [
      ({ client }: typeof direct) => client.listTools(),
      ({ client }: typeof direct) => client.listResources(),
      ({ client }: typeof direct) => client.listResourceTemplates(),
      ({ client }: typeof direct) => client.readResource({ uri: 'test://static-binary' }),
      ({ client }: typeof direct) => client.readResource({ uri: 'test://template/7/data' }),
      ({ client }: typeof direct) => client.subscribeResource({ uri: 'test://watched-resource' }),
      ({ client }: typeof direct) => client.listPrompts(),
      ({ client }: typeof direct) =>
        client.getPrompt({ name: 'test_prompt_with_arguments', arguments: { arg1: 'a', arg2: 'b' } }),
      ({ client }: typeof direct) =>
        client.complete({
          ref: { type: 'ref/prompt', name: 'test_prompt_with_arguments' },
          argument: { name: 'arg1', value: 'x' },
        }),
      ({ client }: typeof direct) => client.setLoggingLevel('debug'),
      ({ client }: typeof direct) => client.ping(),
      ({ client }: typeof direct) => client.callTool({ name: 'test_error_handling' }),
      ({ client }: typeof direct) => client.callTool({ name: 'no_such_tool' }),
    ])
      expect(await ask(through)).toEqual(await ask(direct));
    await Promise.all([direct.client.close(), through.client.close()]);
  });

  it('passes progress and log messages while the call runs, and questions both ways', async () => {
    const { client } = await connectV1Client(relayOf('full'), {
      capabilities: { sampling: {}, elicitation: {} },
    });
    const content = { type: 'text', text: 'sampled' } as const;
    client.setRequestHandler(CreateMessageRequestSchema, () => ({ model: 'm', role: 'assistant', content }));
    client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: { username: 'ada' } }));
    const logged: unknown[] = [];
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
      logged.push(params.data);
    });
    const progress: number[] = [];
    await client.callTool({ name: 'test_tool_with_progress' }, undefined, {
      onprogress: (each) => progress.push(each.progress),
    });
    expect(progress).toEqual([0, 50, 100]);
    await client.callTool({ name: 'test_tool_with_logging' });
    expect(logged).toHaveLength(3);
    const sampled = await client.callTool({ name: 'test_sampling', arguments: { prompt: 'say it' } });
    expect(JSON.stringify(sampled.content)).toContain('sampled');
    const elicited = await client.callTool({ name: 'test_elicitation', arguments: { message: 'who?' } });
    expect(JSON.stringify(elicited.content)).toContain('ada');
    await client.close();
  });

  it('tells a client of resources that it subscribed to, and of no others', async () => {
    const { client } = await connectV1Client(relayOf('full'));
    const [watched, other] = ['test://watched-resource', 'test://static-text'] as const;
    const told: string[] = [];
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
      told.push(params.uri);
    });
    await client.subscribeResource({ uri: watched });
    // What is said before its stream is there has nobody to hear it.
    await waitFor(async () => {
      await full.changed(other);
      await full.changed(watched);
      expect(told).not.toEqual([]);
    });
    expect(new Set(told)).toEqual(new Set([watched]));
    await client.close();
  });

  it('lets a client come back for an answer whose stream the server has closed', async () => {
    const { client } = await connectV1Client(relayOf('full'));
    const result = await client.callTool({ name: 'test_reconnection' });
    expect(JSON.stringify(result.content)).toContain('Finished after');
    await client.close();
  });
});

describe('what this server knows nothing of', () => {
  /** Sends a message as it is; what the upstream got of it is kept. */
  const send = (message: RawMessage, headers: Record<string, string> = {}): Promise<Response> => {
    raw.received.length = 0;
    return post(relayOf('raw'), { jsonrpc: '2.0', ...message }, undefined, { headers });
  };
  const tasks = { taskId: 't-1', status: 'working', ttl: 60_000, pollInterval: 5, more: { of: ['it'] } };

  it.each([
    [
      'a call as a task',
      {
        method: 'tools/call',
        params: { name: 'works', arguments: { a: 1 }, task: { ttl: 60_000, more: 1 } },
      },
      { task: tasks },
    ],
    ['tasks/get', { method: 'tasks/get', params: { taskId: 't-1' } }, tasks],
    [
      'tasks/result',
      { method: 'tasks/result', params: { taskId: 't-1' } },
      {
        content: [{ type: 'text', text: 'done' }],
        _meta: { 'io.modelcontextprotocol/related-task': { taskId: 't-1' } },
      },
    ],
    ['tasks/list', { method: 'tasks/list', params: { cursor: 'c' } }, { tasks: [tasks], nextCursor: 'd' }],
    [
      'tasks/cancel',
      { method: 'tasks/cancel', params: { taskId: 't-1' } },
      { ...tasks, status: 'cancelled' },
    ],
  ])('passes as it is, and so does its answer: %s', async (_what, message, result) => {
    raw.behaviour = { [message.method]: (got, response) => answer(response, got, result) };
    const response = await send({ id: 'x', ...message });
    expect(await response.json()).toEqual({ jsonrpc: '2.0', id: 'x', result });
    expect(raw.received).toEqual([{ jsonrpc: '2.0', id: 'x', ...message }]);
  });

  it('is heard on a stream of subscriptions/listen, each event when it is said', async () => {
    const notifications = { resourceSubscriptions: ['test://a'], toolsListChanged: true, more: true };
    const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' };
    const about = { _meta: { 'io.modelcontextprotocol/subscriptionId': 's' } };
    const events = [
      { method: 'notifications/subscriptions/acknowledged', params: { ...about, notifications } },
      { method: 'notifications/resources/updated', params: { ...about, uri: 'test://a' } },
      { method: 'notifications/of/tomorrow', params: { ...about, more: [1] } },
      { id: 's', result: { resultType: 'complete' } },
    ].map((event) => ({ jsonrpc: '2.0', ...event }));
    let say: (event: object) => void = () => undefined;
    let end: () => void = () => undefined;
    raw.behaviour = {
      'subscriptions/listen': (_message, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
        say = (event) => response.write(`data: ${JSON.stringify(event)}\n\n`);
        end = () => response.end();
      },
    };
    const message = { id: 's', method: 'subscriptions/listen', params: { _meta, notifications } };
    const response = await send(message, {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'subscriptions/listen',
    });
    expect(raw.received).toEqual([{ jsonrpc: '2.0', ...message }]);
    const heard = messagesOf(response);
    for (const event of events) {
      say(event);
      expect((await heard.next()).value).toEqual(event);
    }
    end();
    expect(await heard.next()).toMatchObject({ done: true });
  });
});
