import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Client } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectClient, connectV1Client, ERAS } from '../support/clients.ts';
import { endCommands, startCommand } from '../support/command-process.ts';
import { providePythonSdk } from '../support/python.ts';
import { freePorts } from '../support/replicas.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { areUp } from './state-now.ts';

const PROGRAM = fileURLToPath(new URL('../support/python-server.py', import.meta.url));

/** However busy the machine is. */
const PATIENT = { silence: 3600, answer: 60 };

let python: { readonly url: string } | { readonly missing: string };
let server: TestServer | undefined;

async function startPython(): Promise<typeof python> {
  const sdk = await providePythonSdk();
  if ('missing' in sdk) return sdk;
  const [port = 0] = await freePorts(1);
  const url = `http://127.0.0.1:${port}`;
  await startCommand('python3', [PROGRAM, String(port)], `${url}/mcp`, sdk);
  return { url };
}

beforeAll(async () => {
  python = await startPython();
  if ('missing' in python) {
    process.stderr.write(`skipped: ${python.missing}\n`);
    return;
  }
  server = await startTestServer(
    {
      limits: { callsPerSecond: 0 },
      tools: { enabled: ['add'] },
      upstreams: [{ name: 'python', url: `${python.url}/mcp`, timeoutSeconds: 60 }],
    },
    undefined,
    PATIENT,
  );
  await areUp(server, 'python');
}, 300_000);

afterAll(async () => {
  try {
    await server?.stop();
  } finally {
    endCommands();
  }
});

beforeEach(({ skip }) => {
  if ('missing' in python) skip(python.missing);
});

const CALLS: readonly (readonly [tool: string, args: Record<string, unknown>])[] = [
  ['forecast', { city: 'Oslo' }],
  ['words', { text: 'a b c' }],
  ['fails', {}],
  ['forecast', { degrees: 'many' }],
  ['reports', { steps: 3 }],
];

/** Where it is directly, by the relay and in the catalogue. */
const places = () => {
  const direct = 'url' in python ? python.url : '';
  const here = server?.url ?? '';
  return { direct, relay: `${here}/servers/python`, catalogue: here };
};

/** What an answer is, without who says so and when it is to be asked for again, which every answer of a server has. */
async function said(answer: Promise<object>): Promise<object> {
  try {
    return { ...(await answer), _meta: undefined };
  } catch (error) {
    const { name, message, code } = error as Error & { readonly code?: unknown };
    return { name, message, code };
  }
}

const QUESTIONS: readonly (readonly [string, (client: Client) => Promise<object>])[] = [
  ['tools', (client) => client.listTools()],
  ['resources', (client) => client.listResources()],
  ['templates', (client) => client.listResourceTemplates()],
  ['prompts', (client) => client.listPrompts()],
  ['a resource', (client) => client.readResource({ uri: 'python://readme' })],
  ['a resource by a template', (client) => client.readResource({ uri: 'python://cities/Oslo' })],
  ['a resource that it does not have', (client) => client.readResource({ uri: 'python://nothing' })],
  ['a prompt', (client) => client.getPrompt({ name: 'ask', arguments: { city: 'Oslo' } })],
];

/** The result of a call, and the progress before it. */
async function called(client: Client, name: string, args: object): Promise<object> {
  const progress: unknown[] = [];
  const request = { name, arguments: args as Record<string, unknown> };
  const result = await said(client.callTool(request, { onprogress: (each) => progress.push(each) }));
  return { result, progress };
}

describe.each(ERAS)('a server of the Python SDK, for clients of %s,', (era) => {
  it('answers through the relay as it does directly', async () => {
    const { direct, relay } = places();
    const [{ client: here }, { client: there }] = await Promise.all([
      connectClient(direct, era),
      connectClient(relay, era),
    ]);
    expect(there.getServerVersion()).toEqual(here.getServerVersion());
    expect(there.getServerCapabilities()).toEqual(here.getServerCapabilities());
    expect(there.getInstructions()).toBe('Ask for Oslo.');
    for (const [what, ask] of QUESTIONS) expect(await said(ask(there)), what).toEqual(await said(ask(here)));
    for (const [tool, args] of [...CALLS, ['no_such_tool', {}] as const])
      expect(await called(there, tool, args), tool).toEqual(await called(here, tool, args));
    await Promise.all([here.close(), there.close()]);
  });

  it('has its tools in the catalogue, with the results that they give directly', async () => {
    const { direct, catalogue } = places();
    const [{ client: here }, { client: there }] = await Promise.all([
      connectClient(direct, era),
      connectClient(catalogue, era),
    ]);
    const { tools } = await there.listTools();
    const names = (await here.listTools()).tools.map(({ name }) => `python_${name}`);
    expect(tools.map(({ name }) => name)).toEqual(['add', ...names]);
    for (const [tool, args] of CALLS)
      expect(await called(there, `python_${tool}`, args), tool).toEqual(await called(here, tool, args));
    await Promise.all([here.close(), there.close()]);
  });
});

it('the official v1 client finds the same through the relay of a server of the Python SDK', async () => {
  const { direct, relay } = places();
  const { client: here } = await connectV1Client(direct);
  const { client: there } = await connectV1Client(relay);
  expect(there.getServerCapabilities()).toEqual(here.getServerCapabilities());
  expect(await there.listTools()).toEqual(await here.listTools());
  for (const [name, args] of CALLS)
    expect(await said(there.callTool({ name, arguments: args })), name).toEqual(
      await said(here.callTool({ name, arguments: args })),
    );
  await Promise.all([here.close(), there.close()]);
});
