import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CallLog } from '../../src/monitoring/call-log.ts';
import { failed } from '../../src/tools/call.ts';
import { recordOf } from '../support/call-records.ts';
import { connectClient, ERAS } from '../support/clients.ts';
import { hold } from '../support/hold.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';

/** Starts a server, with the tools that are called here. */
const start = (settings: Record<string, Record<string, unknown>> = {}): Promise<TestServer> =>
  startTestServer({
    tools: {
      enabled: [
        'echo',
        'fails',
        'generate_hmac',
        'slow',
        'throws',
        'throws_secret',
        'unreachable',
        'refused_there',
      ],
    },
    ...settings,
  });

let server: TestServer;
afterEach(async () => {
  vi.useRealTimers();
  await server.stop();
});

type Line = Record<string, unknown>;
const calls = (): Line[] => server.logs.filter(({ msg }) => msg === 'tool call');
const lastCall = (): Line => calls().at(-1) ?? {};

describe('the line of a call', () => {
  it('says what a person would ask of it, and neither arguments nor result', async () => {
    server = await start();
    await server.execute('echo', { text: 'a private text' });
    expect(lastCall()).toMatchObject({
      level: 'debug',
      tool: 'echo',
      status: 'success',
      entrance: 'rest',
      caller: 'anonymous',
      request_id: expect.any(String) as string,
      duration_seconds: expect.any(Number) as number,
      run_seconds: expect.any(Number) as number,
      arguments_bytes: 25,
      result_bytes: expect.any(Number) as number,
    });
    expect(JSON.stringify(server.logs)).not.toContain('a private text');
  });

  it.each(ERAS)('names the client, over MCP %s', async (era) => {
    server = await start();
    const { client } = await connectClient(server.url, era);
    await client.callTool({ name: 'echo', arguments: { text: 'hi' } });
    expect(lastCall()).toMatchObject({ client_name: 'test-client', client_version: '1.2.3' });
    await client.close();
  });

  it('is at info for the share of successes that log.successes names', async () => {
    server = await start({ log: { successes: 0.25 } });
    for (let each = 0; each < 8; each += 1) await server.execute('echo', { text: 'hi' });
    expect(calls().map(({ level }) => level)).toEqual([
      ...['debug', 'debug', 'debug', 'info'],
      ...['debug', 'debug', 'debug', 'info'],
    ]);
  });

  it('has the arguments and results that the settings name, and no others', async () => {
    server = await start({ log: { arguments: { slow: ['milliseconds'] }, results: ['slow'] } });
    await server.execute('slow', { milliseconds: 1 });
    expect(lastCall()).toMatchObject({ arguments: { milliseconds: '1' }, result: 'done' });
    await server.execute('slow', { milliseconds: 1, other: 'a private text' });
    expect(lastCall()).toMatchObject({ reason: 'invalid_arguments', arguments: { milliseconds: '1' } });
    await server.execute('echo', { text: 'a private text' });
    expect(JSON.stringify(server.logs)).not.toContain('a private text');
  });

  it('names the arguments that were refused, and nothing that the caller wrote', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'call-log-')), 'refusing.mjs');
    writeFileSync(
      path,
      `import { z } from 'nexus-mcp/tools';
       const tool = { title: 'T', description: 'T.', annotations: { readOnly: true, idempotent: true, openWorld: true }, handler: () => '' };
       const text = { type: 'string' };
       const fields = { city: text, of: { type: 'object', additionalProperties: text } };
       const quoting = z.string().refine(() => false, { error: ({ input }) => 'not ' + input });
       export default [
         { ...tool, name: 'plain', input: { type: 'object', properties: fields, required: ['city'], additionalProperties: false } },
         { ...tool, name: 'typed', input: z.strictObject({ city: quoting, of: z.record(z.string(), z.string()).optional() }) },
       ];`,
    );
    server = await start({ tools: { modules: [path] } });
    for (const tool of ['plain', 'typed']) {
      await server.execute(tool, { city: tool === 'plain' ? 5 : 'private', of: { private: 1 } });
      expect(lastCall()).toMatchObject({ reason: 'invalid_arguments', why: 'city, of' });
      await server.execute(tool, {});
      expect(lastCall()).toMatchObject({ why: 'city' });
      await server.execute(tool, { city: 'x', private: 1 });
      expect(String(lastCall()['why']).split(', ')).toContain('arguments');
    }
    expect(JSON.stringify(calls())).not.toContain('private');
  });

  it('has what a tool says of its failure where its results are named', async () => {
    server = await start({ log: { results: ['fails'] } });
    await server.execute('fails');
    expect(lastCall()).toMatchObject({ reason: 'tool_error', result: 'It cannot be done.' });
    await server.execute('fails', { no: 'such argument' });
    expect(lastCall()).not.toHaveProperty('result');
    await server.execute('echo', { text: 'hi' });
    expect(lastCall()).not.toHaveProperty('result');
  });

  it('says what is down when a tool is unavailable, whatever the settings name', async () => {
    server = await start();
    await server.execute('unreachable');
    expect(lastCall()).toMatchObject({
      reason: 'unavailable',
      why: 'The database cannot be reached.',
    });
    await server.execute('refused_there');
    expect(lastCall()).toMatchObject({
      why: 'The database cannot be reached.',
      err: { message: 'connection refused' },
    });
    await server.execute('fails');
    expect(lastCall()).not.toHaveProperty('why');
  });

  it('says which places were full when a call finds none', async () => {
    const { args, letGo } = hold();
    server = await start({
      tools: { enabled: ['held', 'echo'], settings: { held: { maxConcurrency: 1 } } },
      limits: { concurrency: 2, queue: 0 },
    });
    const running = [server.execute('held', args)];
    await waitFor(async () => {
      expect((await server.scrape()).value('mcp_tool_calls_in_flight', { tool_name: 'held' })).toBe(1);
    });
    await server.execute('held', args);
    expect(lastCall()).toMatchObject({
      reason: 'overloaded',
      why: 'the only place of the tool held is taken, and too many calls wait for places',
    });
    letGo();
    await Promise.all(running);
  });

  it('has long values cut, and secrets taken out', async () => {
    server = await start({
      log: { arguments: { echo: ['text'], generate_hmac: ['secret_key', 'message'] }, results: ['echo'] },
    });
    await server.execute('echo', { text: 'x'.repeat(10_000) });
    expect(String((lastCall()['arguments'] as Line)['text']).length).toBeLessThan(600);
    for (const text of [
      'Authorization: Bearer sk-a1b2c3d4e5f6',
      'https://user:sk-a1b2c3d4e5f6@example.com/',
      'https://example.com/?api_key=sk-a1b2c3d4e5f6&x=1',
      '{"password": "sk-a1b2c3d4e5f6"}',
    ])
      await server.execute('echo', { text });
    await server.execute('generate_hmac', { message: 'hello', secret_key: 'sk-a1b2c3d4e5f6' });
    expect(lastCall()).toMatchObject({ arguments: { message: 'hello', secret_key: '[redacted]' } });
    expect(JSON.stringify(server.logs)).not.toContain('sk-a1b2c3d4e5f6');
  });

  it('is written at once for a text that is made to be slow to look through', async () => {
    server = await start({ log: { arguments: { echo: ['text'] } } });
    for (const part of ['a-', 'a.', 'token', '://', 'basic ']) {
      const { status } = await server.execute('echo', { text: part.repeat(200_000 / part.length) });
      expect(status).toBe(200);
    }
    expect(calls()).toHaveLength(5);
  });

  it('has no secret in what a tool threw', async () => {
    server = await start();
    await server.execute('throws_secret');
    expect(lastCall()).toMatchObject({ level: 'error', reason: 'exception' });
    expect(JSON.stringify(lastCall())).toContain('cannot log in');
    expect(JSON.stringify(server.logs)).not.toContain('hunter2hunter2');
  });
});

describe('a call that succeeds', () => {
  const callLog = (successes: number) => {
    const lines: Line[] = [];
    const write = (line: Line, msg: string): void => void lines.push({ ...line, msg });
    const log = new CallLog(
      { debug: write, info: write, warn: write, error: write, isLevelEnabled: (level) => level !== 'debug' },
      { successes, foldSeconds: 3600, arguments: {}, results: [] },
    );
    return { log, lines };
  };

  it('is logged at info when it was slow, so that the log says who waits', () => {
    const { log, lines } = callLog(0);
    log.finished(recordOf('echo', 2.5));
    log.finished(recordOf('echo', 2.6));
    expect(lines).toMatchObject([{ tool: 'echo', caller: 'anonymous', run_seconds: 2.6 }]);
  });

  it('is folded with others that were slow, and with none that log.successes picks', () => {
    const { log, lines } = callLog(0);
    for (let made = 0; made < 20; made += 1) log.finished(recordOf('echo', 3));
    log.flush();
    expect(lines).toHaveLength(6);
    expect(lines.at(-1)).toMatchObject({
      folded: 15,
      msg: 'more slow tool calls like this, of which this is the first',
    });
    const picked = callLog(1);
    for (let made = 0; made < 20; made += 1) picked.log.finished(recordOf('echo', 3));
    expect(picked.lines).toHaveLength(20);
  });
});

describe('a flood of equal failures', () => {
  it('is not equal where other places were full', () => {
    const lines: Line[] = [];
    const write = (line: Line): void => void lines.push(line);
    const log = new CallLog(
      { debug: write, info: write, warn: write, error: write, isLevelEnabled: () => true },
      { successes: 0, foldSeconds: 3600, arguments: {}, results: [] },
    );
    const taken = 'all 64 places of the tool echo are taken';
    const causes = [taken, `${taken}, and too many calls wait for places`];
    for (let made = 0; made < 20; made += 1)
      log.finished({ ...recordOf('echo', 0), ...failed('overloaded', 'Busy.', { cause: causes[made % 2] }) });
    log.flush();
    expect(lines.slice(-2)).toMatchObject(causes.map((why) => ({ folded: 5, why })));
  });

  it('becomes a few lines and one with the count, and hides no other failure', async () => {
    server = await start({ log: { foldSeconds: 60 }, limits: { callsPerSecond: 0 } });
    // However long the calls take, the flood lasts until this clock says that its time is over.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const lines = () => calls().filter(({ tool }) => tool === 'throws');
    const folded = () => server.logs.filter((line) => 'folded' in line);
    await Promise.all(Array.from({ length: 200 }, () => server.execute('throws')));
    await server.execute('fails');
    expect(calls().filter(({ tool }) => tool === 'fails')).toHaveLength(1);
    expect(lines()).toHaveLength(5);
    expect(folded()).toEqual([]);
    vi.advanceTimersByTime(60_000);
    expect(folded()).toMatchObject([{ level: 'error', tool: 'throws', reason: 'exception', folded: 195 }]);

    await server.execute('throws');
    expect(lines()).toHaveLength(6);
  });

  it('is one flood for each caller, so that nobody is blamed for others', async () => {
    const tokens = ['loop', 'other'].map((name) => ({ name, token: `token-of-${name}-that-is-long` }));
    const tokensFile = join(mkdtempSync(join(tmpdir(), 'tokens-')), 'tokens.yaml');
    writeFileSync(tokensFile, JSON.stringify(tokens));
    server = await start({ auth: { tokensFile } });
    const call = ({ token }: { token: string }) =>
      server.execute('throws', {}, { headers: { authorization: `Bearer ${token}` } });
    for (const token of [...Array.from({ length: 8 }, () => tokens[0]), tokens[1]])
      await call(token ?? { token: '' });
    await server.stop();
    expect(server.logs.filter((line) => 'folded' in line)).toMatchObject([{ caller: 'loop', folded: 3 }]);
    expect(calls().filter(({ caller }) => caller === 'other')).toHaveLength(1);
  });

  it('is counted to the end when the server stops', async () => {
    server = await start({ log: { foldSeconds: 3600 } });
    await Promise.all(Array.from({ length: 8 }, () => server.execute('throws')));
    await server.stop();
    expect(server.logs.filter((line) => 'folded' in line)).toMatchObject([{ tool: 'throws', folded: 3 }]);
  });

  it('is not folded when log.foldSeconds is 0', async () => {
    server = await start({ log: { foldSeconds: 0 } });
    await Promise.all(Array.from({ length: 8 }, () => server.execute('throws')));
    expect(calls()).toHaveLength(8);
  });
});

describe('the request id', () => {
  const execute = (headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${server.url}/execute`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: '{"tool_name":"echo","arguments":{"text":"hi"}}',
    });

  it('is taken in when well-formed, echoed and logged', async () => {
    server = await start();
    const response = await execute({ 'x-request-id': 'gateway-1/42' });
    expect(response.headers.get('x-request-id')).toBe('gateway-1/42');
    expect(lastCall()['request_id']).toBe('gateway-1/42');
  });

  it.each([
    ['too long', 'x'.repeat(129)],
    ['with spaces', 'a b'],
    ['with quotes', '"a"'],
    ['not ASCII', 'caf\u00e9'],
  ])('is made anew when the one given is %s', async (_what, given) => {
    server = await start();
    const answered = (await execute({ 'x-request-id': given })).headers.get('x-request-id');
    expect(answered).toMatch(/^[0-9a-f-]{36}$/);
    expect(lastCall()['request_id']).toBe(answered);
  });

  it.each(ERAS)('is the same in header, failed result and log line, over MCP %s', async (era) => {
    server = await start();
    const { client } = await connectClient(server.url, era, { headers: { 'x-request-id': 'mine' } });
    const { _meta } = await client.callTool({ name: 'fails', arguments: {} });
    expect(_meta?.['nexus-mcp/failure']).toMatchObject({ requestId: 'mine' });
    expect(lastCall()['request_id']).toBe('mine');
    await client.close();
  });
});

it('a setting that names a tool that is not there stops the start', async () => {
  await expect(start({ log: { arguments: { nope: ['x'] }, results: ['nada'] } })).rejects.toThrow(
    'log.arguments: there is no tool nope\nlog.results: there is no tool nada',
  );
  server = await start();
});

it('a setting that names an argument that a tool cannot have stops the start', async () => {
  const named = { echo: ['txet', 'zebra', 'text'], slow: ['milliseconds'] };
  await expect(start({ log: { arguments: named } })).rejects.toThrow(
    'log.arguments: the tool echo has no argument txet; did you mean text?\n' +
      'log.arguments: the tool echo has no argument zebra',
  );
  server = await start();
});
