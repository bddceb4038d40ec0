import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  createMonitoring,
  type Instrumentable,
  type Monitoring,
  type SessionServers,
} from '../../src/monitoring/index.ts';
import { connectClient, connectV1Client, ERAS } from '../support/clients.ts';
import { provideFrameworks } from '../support/frameworks.ts';
import { newV1Client, scrape } from '../support/instrumented.ts';
import type { Samples } from '../support/metrics-text.ts';

let load: (name: string) => Promise<unknown>;
beforeAll(async () => {
  // What they would send of their usage, write beside their users' sources, and say.
  vi.stubEnv('MCP_USE_ANONYMIZED_TELEMETRY', 'false');
  vi.stubEnv('NODE_ENV', 'production');
  for (const method of ['log', 'error', 'debug'] as const) vi.spyOn(console, method).mockReturnValue();
  ({ load } = await provideFrameworks());
}, 300_000);

const text = (value: string) => ({ content: [{ type: 'text', text: value }] });
const throws = (): never => {
  throw new Error('a bug');
};

interface Caller {
  callTool(params: { name: string; arguments: Record<string, unknown> }): Promise<unknown>;
}

/** How each call of a client ended, by tool and reason; nobody has listed the tools before. */
async function outcomesOf(
  monitoring: Monitoring,
  client: Caller,
  calls: readonly (readonly [string, Record<string, unknown>?])[],
): Promise<readonly string[]> {
  for (const [name, args = {}] of calls)
    await client.callTool({ name, arguments: args }).catch(() => undefined);
  const samples = await scrape(monitoring);
  expect(samples.value('mcp_tool_calls_in_flight')).toBe(0);
  expect(samples.value('mcp_requests_total', { method: 'tools/call' })).toBe(calls.length);
  return outcomesIn(samples);
}

function outcomesIn(samples: Samples): readonly string[] {
  const failed = samples.select('mcp_tool_errors_total').filter(({ value }) => value > 0);
  const worked = samples
    .select('mcp_tool_calls_total', { status: 'success' })
    .filter(({ value }) => value > 0);
  return [
    ...worked.map(({ labels, value }) => `${labels['tool_name'] ?? ''}: success ${value}`),
    ...failed.map(({ labels, value }) => `${labels['tool_name'] ?? ''}: ${labels['reason'] ?? ''} ${value}`),
  ].sort();
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

describe('fastmcp', () => {
  interface FastMcp {
    addTool(tool: object): void;
    start(options: object): Promise<void>;
    stop(): Promise<void>;
    connect(transport: object): Promise<{ close(): Promise<void> }>;
  }
  interface Package {
    readonly FastMCP: new (options: object) => FastMcp;
    readonly FastMCPSession: Instrumentable;
    readonly UserError: new (message: string) => Error;
  }

  const CALLS = [
    ['works'],
    ['fails'],
    ['throws'],
    ['late'],
    ['takes_a_number', { a: 'x' }],
    ['breaks_schema'],
    ['made_up'],
  ] as const;
  const OUTCOMES = [
    'breaks_schema: exception 1',
    'fails: tool_error 1',
    'late: timeout 1',
    'takes_a_number: invalid_arguments 1',
    'throws: exception 1',
    'unknown: unknown_tool 1',
    'works: success 1',
  ];

  async function create(): Promise<{ server: FastMcp; module: Package }> {
    const module = (await load('fastmcp')) as Package;
    const { z } = (await load('zod')) as typeof import('zod');
    const logger = { debug: noLog, error: noLog, info: noLog, log: noLog, warn: noLog };
    const server = new module.FastMCP({
      name: 'greeter',
      version: '1.0.0',
      logger,
      ping: { enabled: false },
    });
    const tool = (name: string, execute: (...args: never[]) => unknown, more = {}): void => {
      server.addTool({ name, description: name, execute, ...more });
    };
    tool('works', () => Promise.resolve('done'));
    tool('fails', () => Promise.reject(new module.UserError('it cannot be done')));
    tool('throws', () => Promise.resolve().then(throws));
    tool('late', () => new Promise(() => undefined), { timeoutMs: 20 });
    tool('takes_a_number', () => Promise.resolve('taken'), { parameters: z.object({ a: z.number() }) });
    tool('breaks_schema', () => Promise.resolve({ a: 'x' }), { outputSchema: z.object({ a: z.number() }) });
    return { server, module };
  }
  const noLog = (): void => undefined;

  it.each([
    ['with sessions', false],
    ['without sessions', true],
  ])(
    'over HTTP %s has all counted, once the class of its sessions is instrumented',
    async (_what, stateless) => {
      const { server, module } = await create();
      const monitoring = createMonitoring();
      monitoring.instrument(module.FastMCPSession);
      const port = await freePort();
      await server.start({ transportType: 'httpStream', httpStream: { port, host: '127.0.0.1', stateless } });
      onTestFinished(() => server.stop());
      const { client } = await connectV1Client(`http://127.0.0.1:${port}`);
      expect((await scrape(monitoring)).value('mcp_active_sessions')).toBe(stateless ? 0 : 1);
      expect(await outcomesOf(monitoring, client, CALLS)).toEqual(OUTCOMES);
      const samples = await scrape(monitoring);
      expect(samples.value('mcp_requests_total', { method: 'initialize', transport: 'http' })).toBe(1);
      expect(samples.value('mcp_tool_duration_seconds_sum', { tool_name: 'late' })).toBeGreaterThan(0.015);
      await client.close();
    },
  );

  it('within one process has all counted', async () => {
    const { server, module } = await create();
    const monitoring = createMonitoring();
    monitoring.instrument(module.FastMCPSession);
    const [near, far] = InMemoryTransport.createLinkedPair();
    const client = newV1Client();
    const [session] = await Promise.all([server.connect(far), client.connect(near)]);
    expect(await outcomesOf(monitoring, client, CALLS)).toEqual(OUTCOMES);
    expect((await scrape(monitoring)).value('mcp_requests_total', { transport: 'stdio' })).toBeGreaterThan(0);
    await session.close();
  });

  it('is refused itself, with what to pass instead', async () => {
    const { server } = await create();
    expect(() => createMonitoring().instrument(server as never)).toThrow(
      'not a FastMCP: it has a server for each session. Pass the class of its sessions, FastMCPSession of fastmcp',
    );
  });

  it('goes on unmeasured when the monitoring is disposed of, and by the next one', async () => {
    const { server, module } = await create();
    const first = createMonitoring();
    first.instrument(module.FastMCPSession);
    first.dispose();
    const second = createMonitoring();
    second.instrument(module.FastMCPSession);
    const [near, far] = InMemoryTransport.createLinkedPair();
    const client = newV1Client();
    const [session] = await Promise.all([server.connect(far), client.connect(near)]);
    expect(await outcomesOf(second, client, [['throws']])).toEqual(['throws: exception 1']);
    await session.close();
  });
});

describe('MCP-Nest', () => {
  /** A tool's method, as its class has it. */
  type Method = (args: Record<string, unknown>) => unknown;
  type Decorator = (target: object, key: string, descriptor: PropertyDescriptor) => void;
  interface Nest {
    readonly NestFactory: { create(module: unknown, options: object): Promise<Application> };
  }
  interface Application {
    getHttpAdapter(): unknown;
    connectMicroservice(options: object): void;
    startAllMicroservices(): Promise<void>;
    listen(port: number, host: string): Promise<void>;
    getUrl(): Promise<string>;
    close(): Promise<void>;
  }
  interface Package {
    readonly McpStrategy: new (
      options: object,
    ) => Instrumentable & { setHttpAdapter(adapter: unknown): void };
    readonly StreamableHttpTransport: new (options?: object) => object;
    readonly McpController: () => (target: unknown) => void;
    readonly Tool: (options: object) => Decorator;
  }

  /** What its decorators say of it is all there is. */
  const newClass = () =>
    function () {
      return undefined;
    } as { readonly prototype: object };

  async function serve(
    methods: Readonly<Record<string, Method>>,
    prepare: (strategy: Instrumentable) => void,
    more: object = {},
  ): Promise<string> {
    await load('reflect-metadata');
    const { NestFactory } = (await load('@nestjs/core')) as Nest;
    const { Module } = (await load('@nestjs/common')) as {
      Module: (of: object) => (target: unknown) => void;
    };
    const { Payload } = (await load('@nestjs/microservices')) as {
      Payload: () => (target: object, key: string, index: number) => void;
    };
    const { McpStrategy, StreamableHttpTransport, McpController, Tool } = (await load(
      '@rekog/mcp-nest',
    )) as Package;
    const { z } = (await load('zod')) as typeof import('zod');
    // What `@McpController() class Greeter { @Tool({ … }) works(@Payload() args) { … } }` comes to.
    const Greeter = newClass();
    for (const [name, value] of Object.entries(methods)) {
      Object.defineProperty(Greeter.prototype, name, { value, writable: true, configurable: true });
      const descriptor = Object.getOwnPropertyDescriptor(Greeter.prototype, name) ?? {};
      const parameters = name === 'takes_a_number' ? z.object({ a: z.number() }) : undefined;
      Payload()(Greeter.prototype, name, 0);
      Tool({ name, description: name, ...(parameters && { parameters }) })(
        Greeter.prototype,
        name,
        descriptor,
      );
    }
    McpController()(Greeter);
    const Greetings = newClass();
    Module({ controllers: [Greeter] })(Greetings);
    const transports = [new StreamableHttpTransport({ statefulMode: true })];
    const strategy = new McpStrategy({
      name: 'greeter',
      version: '1.0.0',
      transports,
      logging: false,
      ...more,
    });
    prepare(strategy);
    const app = await NestFactory.create(Greetings, { logger: false });
    strategy.setHttpAdapter(app.getHttpAdapter());
    app.connectMicroservice({ strategy });
    await app.startAllMicroservices();
    await app.listen(0, '127.0.0.1');
    onTestFinished(() => app.close());
    return app.getUrl();
  }

  const CALLS = [['works'], ['fails'], ['throws'], ['made_up']] as const;

  it.each(ERAS)('has each call counted, once its strategy is instrumented, over %s', async (era) => {
    const monitoring = createMonitoring();
    const methods = {
      works: () => text('done'),
      fails: () => ({ ...text('it cannot be done'), isError: true }),
      throws: monitoring.tool('throws', throws),
    };
    const url = await serve(methods, (strategy) => monitoring.instrument(strategy));
    const { client } = await connectClient(url, era);
    expect(await outcomesOf(monitoring, client, CALLS)).toEqual([
      'fails: tool_error 1',
      'throws: exception 1',
      'unknown: unknown_tool 1',
      'works: success 1',
    ]);
    await client.close();
  });

  it('has each call counted by its own option for that, too, and only its own words for what throws', async () => {
    const monitoring = createMonitoring();
    const methods = { works: () => text('done'), throws };
    const mutated = vi.fn(monitoring.instrument);
    const url = await serve(methods, () => undefined, { serverMutator: mutated });
    const { client } = await connectClient(url, '2026-07-28');
    expect(await outcomesOf(monitoring, client, [['works'], ['throws']])).toEqual([
      'throws: tool_error 1',
      'works: success 1',
    ]);
    expect(mutated).toHaveBeenCalled();
    await client.close();
  });
});

describe('mcp-use', () => {
  type Callback = (args: Record<string, unknown>) => unknown;
  interface McpUse {
    tool(definition: object, callback: Callback): void;
    fetch(request: Request): Promise<Response>;
  }
  interface McpUse1 extends SessionServers {
    tool(definition: object, callback: Callback): void;
    getHandler(): Promise<(request: Request) => Promise<Response>>;
  }

  /** A client of the 2025 era that calls by HTTP what answers it in this process. */
  function clientOf(answer: (request: Request) => Promise<Response>) {
    let session: string | null = null;
    let last = 0;
    const request = async (method: string, params: object): Promise<unknown> => {
      last += 1;
      const response = await answer(
        new Request('http://localhost:3000/mcp', {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            accept: 'application/json, text/event-stream',
            host: 'localhost:3000',
            ...(session !== null && { 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' }),
          },
          body: JSON.stringify({ jsonrpc: '2.0', id: last, method, params }),
        }),
      );
      session ??= response.headers.get('mcp-session-id');
      return response.text();
    };
    return {
      initialize: () =>
        request('initialize', {
          protocolVersion: '2025-11-25',
          capabilities: {},
          clientInfo: { name: 'test-client', version: '1.2.3' },
        }),
      callTool: (params: object) => request('tools/call', params),
    };
  }

  it('1 has each call counted, in the server of its session', async () => {
    const { MCPServer } = (await load('mcp-use-1/server')) as {
      MCPServer: new (options: object) => McpUse1;
    };
    const { z } = (await load('zod')) as typeof import('zod');
    const monitoring = createMonitoring();
    const server = monitoring.instrument(new MCPServer({ name: 'greeter', version: '1.0.0' }));
    server.tool({ name: 'works', description: 'works' }, () => text('done'));
    server.tool({ name: 'fails', description: 'fails' }, () => ({ ...text('no'), isError: true }));
    server.tool({ name: 'throws', description: 'throws' }, throws);
    const schema = z.object({ a: z.number() });
    server.tool({ name: 'takes_a_number', description: 'takes', schema }, () => text('taken'));
    const client = clientOf(await server.getHandler());
    await client.initialize();
    const calls = [['works'], ['fails'], ['throws'], ['takes_a_number', { a: 'x' }], ['made_up']] as const;
    expect(await outcomesOf(monitoring, client, calls)).toEqual([
      'fails: tool_error 1',
      'takes_a_number: invalid_arguments 1',
      'throws: exception 1',
      'unknown: unknown_tool 1',
      'works: success 1',
    ]);
    const samples = await scrape(monitoring);
    expect(samples.value('mcp_requests_total', { method: 'initialize' })).toBe(1);
    expect(samples.value('mcp_active_sessions')).toBe(1);
  });

  it('2 is refused, as nothing of it can be watched, and its tools can be measured', async () => {
    const { MCPServer } = (await load('mcp-use')) as { MCPServer: new (options: object) => McpUse };
    const monitoring = createMonitoring();
    const server = new MCPServer({ name: 'greeter', version: '1.0.0' });
    expect(() => monitoring.instrument(server as never)).toThrow(
      'not a MCPServer: its servers are out of reach. Measure its tools: server.tool(definition, ' +
        'monitoring.tool(definition.name, callback))',
    );
    const tool = (name: string, callback: Callback): void => {
      server.tool({ name, description: name }, monitoring.tool(name, callback));
    };
    tool('works', () => text('done'));
    tool('fails', () => ({ ...text('it cannot be done'), isError: true }));
    tool('throws', throws);
    const client = clientOf((request) => server.fetch(request));
    for (const name of ['works', 'fails', 'throws']) await client.callTool({ name, arguments: {} });
    expect(outcomesIn(await scrape(monitoring))).toEqual([
      'fails: tool_error 1',
      'throws: exception 1',
      'works: success 1',
    ]);
  });
});
