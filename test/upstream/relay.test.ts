import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  LoggingMessageNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectV1Client } from '../support/clients.ts';
import { FullUpstream } from '../support/full-upstream.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { areUp } from './state-now.ts';

/** However busy the machine is. */
const PATIENT = { silence: 3600, answer: 60 };

const full = new FullUpstream();
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
      ],
    },
    undefined,
    PATIENT,
  );
  await areUp(server, 'full', 'modern');
});

afterAll(async () => {
  expect(await server.stop()).toBe(true);
  await modern.stop();
  full.close();
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

  it('lets a client come back for an answer whose stream the server has closed', async () => {
    const { client } = await connectV1Client(relayOf('full'));
    const result = await client.callTool({ name: 'test_reconnection' });
    expect(JSON.stringify(result.content)).toContain('Finished after');
    await client.close();
  });
});
