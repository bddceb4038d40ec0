import { randomBytes } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectClient, ERAS, type Era } from '../support/clients.ts';
import { FullUpstream } from '../support/full-upstream.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { V1Upstream } from '../support/v1-upstream.ts';
import { waitFor } from '../support/wait.ts';

/** However busy the machine is. */
const PATIENT = { silence: 3600, answer: 60 };

const full = new FullUpstream();
const notebook = new V1Upstream();
let server: TestServer;

const isUp = (at: TestServer, upstream: string): Promise<void> =>
  waitFor(async () => {
    expect((await at.scrape()).value('mcp_upstream_state', { upstream, state: 'up' })).toBe(1);
  });

async function start(settings: Record<string, object> = {}): Promise<TestServer> {
  const started = await startTestServer(
    {
      tools: { enabled: ['add'] },
      upstreams: [
        { name: 'full', url: fullUrl },
        { name: 'notebook', url: notebookUrl },
      ],
      ...settings,
    },
    undefined,
    PATIENT,
  );
  await Promise.all([isUp(started, 'full'), isUp(started, 'notebook')]);
  return started;
}

let fullUrl: string;
let notebookUrl: string;

beforeAll(async () => {
  [fullUrl, notebookUrl] = await Promise.all([full.listen(), notebook.listen()]);
  server = await start();
});

afterAll(async () => {
  await server.stop();
  full.close();
  notebook.close();
});

const ASKABLE = { capabilities: { elicitation: { form: {} } } };

/** A client that answers what it is asked. */
async function askable(at: TestServer, era: Era, answer: () => object | Promise<object>) {
  const { client } = await connectClient(at.url, era, ASKABLE);
  const questions: unknown[] = [];
  client.setRequestHandler('elicitation/create', async ({ params }) => {
    questions.push(params.message);
    return (await answer()) as never;
  });
  return { client, questions };
}

const ADA = { action: 'accept', content: { username: 'ada' } };
const elicitation = { name: 'full_test_elicitation', arguments: { message: 'Who are you?' } };

describe.each(ERAS)('a question in the middle of a call of a 2025-era upstream, to a %s client', (era) => {
  it('on the stream of the call is answered by the client, and the call goes on', async () => {
    const { client, questions } = await askable(server, era, () => ADA);
    const result = await client.callTool(elicitation);
    expect(result.content).toEqual([{ type: 'text', text: `User response: ${JSON.stringify(ADA)}` }]);
    expect(questions).toEqual(['Who are you?']);
    await client.close();
  });

  it('on the stream of the session, as by the functions of the v1 SDK, is answered, too', async () => {
    const { client, questions } = await askable(server, era, () => ADA);
    const result = await client.callTool({ name: 'notebook_asks', arguments: {} });
    expect(result.content).toEqual([{ type: 'text', text: 'asked' }]);
    expect(questions).toEqual(['Sure?']);
    await client.close();
  });

  it('that the client declines is declined to the upstream', async () => {
    const { client } = await askable(server, era, () => ({ action: 'decline' }));
    const result = await client.callTool(elicitation);
    expect(result.content).toEqual([{ type: 'text', text: 'User response: {"action":"decline"}' }]);
    await client.close();
  });

  it('is not put to a client that answers none: the upstream knows', async () => {
    const { client } = await connectClient(server.url, era);
    const result = await client.callTool({ name: 'notebook_asks', arguments: {} });
    expect(result).toMatchObject({ isError: true });
    expect(JSON.stringify(result.content)).toMatch(/does not support/i);
    await client.close();
  });

  it('gives back its place while the client is asked', async () => {
    const one = await start({
      upstreams: [
        { name: 'full', url: fullUrl, maxConcurrency: 1 },
        { name: 'notebook', url: notebookUrl },
      ] as object,
    });
    const { client } = await askable(one, era, async () => {
      const { status } = await one.execute('full_test_simple_text');
      return status === 200 ? ADA : {};
    });
    const result = await client.callTool(elicitation);
    expect(JSON.stringify(result.content)).toContain('ada');
    const samples = await one.scrape();
    expect(samples.value('mcp_tool_calls_in_flight', { tool_name: 'full_test_elicitation' })).toBe(0);
    await client.close();
    await one.stop();
  });

  it('in each of several calls at a time is answered', async () => {
    const { client, questions } = await askable(server, era, () => ADA);
    const results = await Promise.all(Array.from({ length: 5 }, () => client.callTool(elicitation)));
    for (const result of results) expect(JSON.stringify(result.content)).toContain('ada');
    expect(questions).toHaveLength(5);
    await client.close();
  });
});

it('a question that nobody answers in time is not waited for any longer', async () => {
  const hasty = await start({ limits: { inputWaitSeconds: 1 } });
  const { client } = await askable(hasty, '2025-11-25', () => new Promise(() => undefined));
  const result = await client.callTool(elicitation);
  expect(result).toMatchObject({ isError: true, _meta: { 'nexus-mcp/failure': { reason: 'cancelled' } } });
  await client.close();
  await hasty.stop();
});

it('a client of 2026-07-28 that might come back to another replica is none that an upstream can ask', async () => {
  const stateKeyFile = join(mkdtempSync(join(tmpdir(), 'key-')), 'key');
  writeFileSync(stateKeyFile, randomBytes(32).toString('base64'));
  const replica = await start({ sessions: { stateKeyFile, peers: ['127.0.0.1:1'] } });
  const { client, questions } = await askable(replica, '2026-07-28', () => ADA);
  const result = await client.callTool({ name: 'notebook_asks', arguments: {} });
  expect(JSON.stringify(result)).toMatch(/does not support/i);
  expect(questions).toEqual([]);
  await client.close();
  await replica.stop();
});
