import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIXTURE_TOOLS, startTestServer, type TestServer } from '../support/test-server.ts';
import { ask, refuseInternals } from './raw-client.ts';
import { IMAGE_BLOCK } from './result-tools.ts';

const RESULT_TOOLS = fileURLToPath(new URL('result-tools.ts', import.meta.url));
const BUILTIN_TOOLS = 25;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ tools: { modules: [FIXTURE_TOOLS, RESULT_TOOLS] } });
});
afterAll(() => server.stop());

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function get(path: string): Promise<Answer> {
  const response = await fetch(`${server.url}${path}`);
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

async function post(path: string, body: unknown): Promise<Answer> {
  const response = await fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) refuseInternals(text);
  return { status: response.status, body: JSON.parse(text) as Answer['body'] };
}

const count = async (name: string, labels: Record<string, string>): Promise<number> =>
  (await server.scrape()).value(name, labels) ?? 0;

const add = {
  name: 'add',
  title: 'Add',
  description: expect.stringContaining('Adds two numbers') as string,
  input_schema: expect.objectContaining({
    type: 'object',
    required: ['a', 'b'],
    additionalProperties: false,
  }) as object,
  output_schema: expect.objectContaining({ type: 'number' }) as object,
  annotations: {
    title: 'Add',
    readOnlyHint: true,
    destructiveHint: false,
    idempotentHint: true,
    openWorldHint: false,
  },
  toolset: 'calculator',
};

describe('GET /tools', () => {
  it('lists every tool with its schema, and says whose they are', async () => {
    const { status, body } = await get('/tools');
    expect(status).toBe(200);
    expect(Object.keys(body)).toEqual(['tools', 'count', 'server_info']);
    const tools = body['tools'] as Record<string, unknown>[];
    expect(body['count']).toBe(tools.length);
    expect(tools.length).toBeGreaterThan(BUILTIN_TOOLS);
    expect(tools[0]).toEqual(add);
    expect(body['server_info']).toMatchObject({ name: 'nexus-mcp', version: '0.0.0' });
    for (const tool of tools)
      expect(await get(`/tools/${String(tool['name'])}`)).toEqual({ status: 200, body: tool });
  });

  it('leaves the output schema out of a tool that has none', async () => {
    expect((await get('/tools/json')).body).not.toHaveProperty('output_schema');
  });
});

describe('GET /tools/{name}', () => {
  it('answers 404 for an unknown tool', async () => {
    const { status, body } = await get('/tools/nope');
    expect(status).toBe(404);
    expect(body).toEqual({
      error: 'Not Found',
      detail: expect.stringContaining('GET /tools') as string,
      tool_name: null,
      reason: null,
    });
  });
});

const RESULTS: readonly (readonly [tool: string, result: unknown])[] = [
  ['one_text', 'alone'],
  [
    'two_texts',
    [
      { type: 'text', text: 'one' },
      { type: 'text', text: 'two' },
    ],
  ],
  ['image', [IMAGE_BLOCK]],
  ['text_and_value', { sum: 8 }],
  ['json', { list: [1, 'two', null], nested: { yes: true } }],
  ['null_value', null],
  ['false_value', false],
  ['empty_text', ''],
  ['nothing', null],
];

describe.each([
  ['POST /execute', (name: string, rest: object) => post('/execute', { tool_name: name, ...rest })],
  ['POST /tools/{name}/execute', (name: string, rest: object) => post(`/tools/${name}/execute`, rest)],
] as const)('%s', (_route, execute) => {
  it('calls a tool and answers with a flat result and how long it took', async () => {
    const { status, body } = await execute('add', { arguments: { a: 5, b: 3 } });
    expect(status).toBe(200);
    expect(body).toEqual({
      tool_name: 'add',
      arguments: { a: 5, b: 3 },
      result: 8,
      status: 'success',
      execution_time: expect.any(Number) as number,
    });
    expect(body['execution_time']).toBeGreaterThan(0);
    expect(String(body['execution_time'])).toMatch(/^\d+(?:\.\d{1,6}|e-[456])?$/);
    expect(body['execution_time']).toBeLessThan(10);
  });

  it('takes no arguments for an empty object', async () => {
    const { status, body } = await execute('current_timestamp', {});
    expect(status).toBe(200);
    expect(body).toMatchObject({ arguments: {}, status: 'success' });
  });

  it.each(RESULTS)('answers with what the tool %s returned', async (tool, result) => {
    const { status, body } = await execute(tool, {});
    expect({ status, result: body['result'] }).toEqual({ status: 200, result });
  });

  it.each([
    ['null', null, 'received null'],
    ['a list', [1, 2], 'received array'],
    ['a string', '{"a":1,"b":2}', 'received string'],
    ['a number', 5, 'received number'],
    ['fields of the wrong type', { a: '5', b: 3 }, 'a: .*expected number, received string'],
    ['a missing field', { a: 5 }, 'b: .*expected number'],
    ['unknown fields', { a: 5, b: 3, c: 1, d: 2 }, '"c", "d"'],
    ['every problem at once', { a: 'x', c: 1 }, 'a: .*b: .*"c"'],
  ])('answers 422 for arguments that are %s, and counts it', async (_name, args, says) => {
    const labels = { tool_name: 'add', reason: 'invalid_arguments' };
    const before = await count('mcp_tool_errors_total', labels);
    const { status, body } = await execute('add', { arguments: args });
    expect(status).toBe(422);
    expect(body).toEqual({
      error: 'Unprocessable Entity',
      detail: expect.stringMatching(new RegExp(`^Invalid arguments: .*${says}`)) as string,
      tool_name: 'add',
      reason: 'invalid_arguments',
    });
    expect(await count('mcp_tool_errors_total', labels)).toBe(before + 1);
  });

  it('does not repeat what was sent in what it says about it', async () => {
    const { body } = await execute('add', { arguments: { a: 'hunter2-is-my-password', b: 3 } });
    expect(body['detail']).not.toContain('hunter2');
  });

  it.each(['unknown', 'nope', 'ADD', 'add ', '../add', '__proto__'])(
    'answers 404 for the unknown tool %s, counted under one name',
    async (name) => {
      const labels = { tool_name: 'unknown', reason: 'unknown_tool' };
      const before = await count('mcp_tool_errors_total', labels);
      const { status, body } = await execute(encodeOnlyIn(execute, name), {});
      expect(status).toBe(404);
      expect(body).toEqual({
        error: 'Not Found',
        detail: 'There is no such tool; GET /tools lists them',
        tool_name: name,
        reason: 'unknown_tool',
      });
      expect(await count('mcp_tool_errors_total', labels)).toBe(before + 1);
    },
  );

  it('tells a client that a tool wants to ask something, which REST cannot', async () => {
    const { status, body } = await execute('asks', {});
    expect(status).toBe(200);
    expect(body).toMatchObject({
      tool_name: 'asks',
      result: null,
      status: 'error',
      reason: 'tool_error',
      detail: expect.stringMatching(/input.*elicitation/) as string,
    });
  });
});

/** In a path, a name is percent-encoded. */
const encodeOnlyIn = (execute: unknown, name: string): string =>
  String(execute).includes('/tools/') ? encodeURIComponent(name) : name;

describe('a forgotten wrapper', () => {
  it.each([
    ['/tools/add/execute', { a: 1, b: 2 }, 'arguments belong in the field "arguments"'],
    ['/execute', { tool_name: 'add', a: 1, b: 2 }, 'arguments belong in the field "arguments"'],
    ['/execute', { tool_name: 'add', args: { a: 1, b: 2 } }, 'arguments belong in the field "arguments"'],
    ['/execute', { tool: 'add' }, 'name belongs in the field "tool_name"'],
    ['/execute', { name: 'add', arguments: { a: 1, b: 2 } }, 'name belongs in the field "tool_name"'],
  ])('on %s is a 400 that says where what is missing belongs: %o', async (path, body, advice) => {
    const before = await count('mcp_tool_calls_total', {});
    const answer = await post(path, body);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({
      error: 'Bad Request',
      detail: expect.stringMatching(`Unrecognized key[^.]*\\. The tool's ${advice}$`) as string,
      reason: null,
    });
    expect(await count('mcp_tool_calls_total', {})).toBe(before);
  });

  it.each([null, [], 'add', 5, {}, { tool_name: 5 }, { tool_name: '' }, { tool_name: null }])(
    'and any other body that names no tool is a 400: %j',
    async (body) => {
      expect(await post('/execute', body)).toMatchObject({ status: 400, body: { reason: null } });
    },
  );
});

describe('HEAD', () => {
  it.each(['/', '/tools', '/tools/add', '/openapi.json', '/metrics', '/livez', '/healthz', '/readyz'])(
    '%s answers as GET would, without a body',
    async (path) => {
      const head = await ask(server.url, `HEAD ${path}`);
      const got = await ask(server.url, `GET ${path}`);
      expect(head.status).toBe(got.status);
      expect(head.body).toBe('');
      expect(head.headers.get('content-type')).toBe(got.headers.get('content-type'));
    },
  );
});

describe('GET /', () => {
  it.each([undefined, '*/*', 'application/json', 'text/plain', 'application/json, text/html;q=0.9'])(
    'answers JSON to Accept: %s',
    async (accept) => {
      const { status, body, headers } = await ask(server.url, 'GET /', { accept });
      expect(status).toBe(200);
      expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
      expect(JSON.parse(body)).toEqual({
        name: 'nexus-mcp',
        title: 'Nexus MCP',
        version: '0.0.0',
        verdict: expect.objectContaining({ level: 'good' }) as object,
        ready: true,
        state: 'ready',
        uptime_seconds: expect.any(Number) as number,
        tools: expect.any(Number) as number,
        sessions: 0,
        sessions_limit: 1000,
        links: ['/tools', '/openapi.json', '/metrics', '/readyz'],
        metrics: 'served',
        activity: expect.objectContaining({ tools: expect.any(Array) as object }) as object,
        event_loop: { window_seconds: 45, lag_p99_seconds: 0.01, lag_max_seconds: 0.02, utilization: 0.1 },
        heap: { kept_bytes: 30e6, limit_bytes: 500e6 },
        places: { limit: 256, taken: 0, waiting: 0 },
      });
    },
  );
});

it('gives away neither Express nor Node in its headers', async () => {
  for (const path of ['/', '/tools', '/metrics', '/nothing']) {
    const { headers } = await ask(server.url, `GET ${path}`);
    expect(headers.get('x-powered-by')).toBeNull();
    expect(headers.get('server')).toBeNull();
  }
});
