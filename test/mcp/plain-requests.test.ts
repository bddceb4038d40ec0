import { mkdtempSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { classifyInboundRequest } from '@modelcontextprotocol/server';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { classify } from '../../src/mcp/classify.ts';
import { Executor } from '../../src/tools/executor.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
};
const PARTS = [undefined, null, 0, 1.5, 'text', true, [], {}, { form: {} }, { form: 1 }, { name: 'x' }];
const FORMS: readonly object[] = [
  { elicitation: { form: {}, url: {} } },
  { elicitation: { other: {} } },
  { roots: {} },
  { roots: { listChanged: true } },
  { roots: { listChanged: {} } },
  { sampling: { tools: {} } },
  { sampling: { tools: 1 } },
  { tasks: {} },
  { toString: {} },
];
const VERSIONS = [undefined, '2026-07-28', '2025-11-25', ' 2026-07-28', '2999-01-01', 'text'];

/** Calls, and all that differ from them in one field, in one parameter or in one part of `_meta`. */
function* bodies(): Generator {
  for (const meta of [META, { progressToken: 1 }, undefined]) {
    const params = { name: 'add', arguments: { a: 1 }, _meta: meta };
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params };
    yield [call];
    for (const method of ['tools/call', 'tools/list', 'initialize', 'ping']) {
      yield { ...call, method };
      yield { ...call, method, params: { _meta: meta } };
      yield { ...call, method, params: { cursor: 'c', _meta: meta } };
    }
    for (const part of PARTS) {
      yield part;
      for (const field of ['jsonrpc', 'id', 'method', 'params', 'result', 'error', 'more'])
        yield { ...call, [field]: part };
      for (const field of ['name', 'arguments', '_meta', 'task', 'requestState', 'inputResponses'])
        yield { ...call, params: { ...params, [field]: part } };
    }
    for (const field of [
      ...Object.keys(META),
      'progressToken',
      'io.modelcontextprotocol/logLevel',
      'traceparent',
    ])
      for (const part of [...PARTS, ...FORMS, '2025-11-25', { name: 'x', version: '1', icons: 1 }])
        yield { ...call, params: { ...params, _meta: { ...meta, [field]: part } } };
  }
}

it('a request is of the era, and is refused for the reason, that the SDK says', () => {
  let plain = 0;
  for (const given of bodies())
    for (const version of VERSIONS)
      for (const method of [undefined, 'tools/call', 'tools/list']) {
        const body = given === undefined ? undefined : (JSON.parse(JSON.stringify(given)) as unknown);
        const headers = {
          ...(version !== undefined && { 'mcp-protocol-version': version }),
          ...(method !== undefined && { 'mcp-method': method }),
        };
        const { route, plain: request } = classify({ method: 'POST', headers } as IncomingMessage, body);
        const theirs = classifyInboundRequest({
          httpMethod: 'POST',
          ...(version !== undefined && { protocolVersionHeader: version }),
          ...(method !== undefined && { mcpMethodHeader: method }),
          ...(body !== undefined && { body }),
        });
        if (theirs.kind === 'legacy') delete (theirs as { requestedVersion?: string }).requestedVersion;
        if (route.kind === 'legacy') delete (route as { requestedVersion?: string }).requestedVersion;
        expect(route, JSON.stringify({ body, headers })).toEqual(theirs);
        if (request) plain += 1;
      }
  expect(plain).toBeGreaterThan(20);
});

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    tools: { enabled: ['add', 'echo', 'fails', 'throws', 'breaks_schema', 'too_large', 'counts', 'asks'] },
    limits: { callsPerSecond: 1000 },
  });
});
afterAll(() => server.stop());

interface Said {
  readonly status: number;
  readonly type: string | null;
  /** As JSON: a field's place in it means nothing. */
  readonly messages: readonly unknown[];
}

interface Call {
  readonly what: string;
  readonly name: string;
  readonly args?: object;
  readonly meta?: object;
  readonly accept?: string;
}

/** What the server says to a call, without what is random in it. */
const said = ({ name, args, meta, accept }: Call): Promise<Said> =>
  saidTo('tools/call', { name, arguments: args, _meta: { ...META, ...meta } }, { 'mcp-name': name }, accept);

async function saidTo(
  method: string,
  params: object,
  headers: Readonly<Record<string, string>> = {},
  accept = 'application/json, text/event-stream',
  { url }: Pick<TestServer, 'url'> = server,
): Promise<Said> {
  const response = await fetch(`${url}/mcp`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept,
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      'x-request-id': 'the-same',
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 7, method, params }),
  });
  const text = (await response.text()).replace(/"requestState":"[^"]+"/, '"requestState":"…"');
  const type = response.headers.get('content-type');
  const lines = type === 'application/json' ? [text] : (text.match(/(?<=^data: ).*/gm) ?? []);
  return { status: response.status, type, messages: lines.map((line) => JSON.parse(line) as unknown) };
}

const progress = { name: 'counts', args: {}, meta: { progressToken: 'p' } };
const canElicit = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } } };
const CALLS: readonly Call[] = [
  { what: 'a value', name: 'add', args: { a: 5, b: 3 } },
  { what: 'text that is not ASCII', name: 'echo', args: { text: 'grüße – 你好' } },
  { what: 'wrong arguments', name: 'add', args: { a: 'x' } },
  { what: 'no arguments', name: 'add' },
  { what: 'an unknown tool', name: 'nothing_of_this_name', args: {} },
  { what: 'a failure', name: 'fails', args: {} },
  { what: 'a bug', name: 'throws', args: {} },
  { what: 'a result that breaks its schema', name: 'breaks_schema', args: {} },
  { what: 'a result that is too large', name: 'too_large', args: {} },
  { what: 'progress before the answer', ...progress },
  { what: 'no stream for a client that takes none', ...progress, accept: 'application/json' },
  { what: 'a question', name: 'asks', args: {}, meta: canElicit },
  { what: 'a question that the client cannot answer', name: 'asks', args: {} },
];

it.each(CALLS)('a plain call is answered as the SDK answers it: $what', async (call) => {
  const plain = await said(call);
  // A field that is nobody's leaves all to the SDK.
  const bySdk = await said({ ...call, meta: { ...call.meta, 'example.com/more': 1 } });
  expect(plain).toEqual(bySdk);
  expect(plain.messages.at(-1)).toMatchObject({ id: 7 });
});

const list = (
  headers?: Readonly<Record<string, string>>,
  meta?: object,
  of?: Pick<TestServer, 'url'>,
): Promise<Said> => saidTo('tools/list', { _meta: { ...META, ...meta } }, headers, undefined, of);

it('a plain request for the list of tools is answered as the SDK answers it, and counted', async () => {
  const counted = async (): Promise<number | undefined> =>
    (await server.scrape()).value('mcp_server_operation_duration_seconds_count', {
      mcp_method_name: 'tools/list',
    });
  const before = await counted();
  const plain = await list();
  expect(plain).toEqual(await list({}, { 'example.com/more': 1 }));
  expect(await list()).toEqual(plain);
  expect(JSON.stringify(plain)).toContain('"name":"throws"');
  expect(await counted()).toBe((before ?? 0) + 3);
});

it('a list has what its caller may use, whatever others were told before', async () => {
  const tokensFile = join(mkdtempSync(join(tmpdir(), 'lists-')), 'tokens.yaml');
  const tokens = [
    { name: 'all', token: 'a'.repeat(32) },
    { name: 'few', token: 'f'.repeat(32), tools: ['echo'] },
  ];
  writeFileSync(tokensFile, JSON.stringify(tokens), { mode: 0o600 });
  const guarded = await startTestServer({
    tools: { enabled: ['add', 'echo'] },
    auth: { tokensFile },
  });
  const namesFor = async (letter: string): Promise<unknown> => {
    const { messages } = await list({ authorization: `Bearer ${letter.repeat(32)}` }, {}, guarded);
    return (messages as { result: { tools: { name: string }[] } }[])[0]?.result.tools.map(({ name }) => name);
  };
  for (let round = 0; round < 2; round += 1) {
    expect(await namesFor('a')).toEqual(['add', 'echo']);
    expect(await namesFor('f')).toEqual(['echo']);
  }
  await guarded.stop();
});

it('a bug of the server is logged, and its words do not reach the client', async () => {
  const bug = vi.spyOn(Executor.prototype, 'execute').mockRejectedValue(new Error('a bug at /etc/secret'));
  const { messages } = await said({ what: 'a bug', name: 'add', args: { a: 5, b: 3 } });
  bug.mockRestore();
  const message = 'The server failed to handle the call; see its log';
  expect(messages).toEqual([{ jsonrpc: '2.0', id: 7, error: { code: -32_603, message } }]);
  expect(JSON.stringify(server.logs)).toContain('a bug at /etc/secret');
});
