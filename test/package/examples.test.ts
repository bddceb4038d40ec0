import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { connectClient, connectV1Client } from '../support/clients.ts';
import { provideFrameworks } from '../support/frameworks.ts';
import { parseMetrics, type Samples } from '../support/metrics-text.ts';
import { waitFor, waitUntil } from '../support/wait.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);

const { devDependencies, dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
};

/** What the examples import besides this package, and what their types need. */
const COMPANIONS = [
  '@modelcontextprotocol/node',
  '@modelcontextprotocol/sdk',
  '@modelcontextprotocol/server',
  '@types/express',
  '@types/node',
  'express',
  'typescript',
  'zod',
].map((name) => `${name}@${String({ ...dependencies, ...devDependencies }[name])}`);

/** An OpenTelemetry SDK that refuses later versions of the API than its own. */
const OLDER_SDK = ['@opentelemetry/api@1.9.0', '@opentelemetry/sdk-trace-node@2.0.1'];

/** What the examples of frameworks import, which has dependencies of its own. */
const FRAMEWORKS = [
  '@nestjs/common',
  '@nestjs/core',
  '@rekog/mcp-nest',
  'fastmcp',
  'mcp-use',
  'reflect-metadata',
];

/** An empty project into which the packed package is installed, with the examples in it. */
let project: string;

beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'nexus-mcp-package-'));
  const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', project], { cwd: ROOT });
  const tarball = join(project, String(stdout.trim().split('\n').at(-1)));
  writeFileSync(join(project, 'package.json'), '{"name": "empty", "private": true, "type": "module"}');
  const install = [
    'install',
    '--prefer-offline',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  await run('npm', [...install, tarball, ...COMPANIONS, ...OLDER_SDK], { cwd: project });
  cpSync(join(ROOT, 'examples'), project, { recursive: true });
  const { directory } = await provideFrameworks();
  for (const name of FRAMEWORKS) {
    const link = join(project, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(directory, 'node_modules', name), link, 'dir');
  }
}, 300_000);
afterAll(() => {
  rmSync(project, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await waitUntil(() => server.listening);
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** Runs a program that serves, and waits until its metrics can be scraped. */
async function serve(
  ...program: readonly string[]
): Promise<{ url: string; scrape: () => Promise<Samples> }> {
  const port = await freePort();
  const env = {
    ...process.env,
    PORT: String(port),
    NEXUS_SERVER_PORT: String(port),
    MCP_USE_ANONYMIZED_TELEMETRY: 'false',
  };
  const child: ChildProcess = spawn(process.execPath, program, { cwd: project, env, stdio: 'inherit' });
  onTestFinished(() => void child.kill());
  const url = `http://127.0.0.1:${port}`;
  const scrape = async (): Promise<Samples> => parseMetrics(await (await fetch(`${url}/metrics`)).text());
  await waitFor(scrape, { timeout: 20_000 });
  return { url, scrape };
}

const samplesOf = async (file: string): Promise<Samples> =>
  parseMetrics((await run(process.execPath, [file], { cwd: project })).stdout);

const STRICT = ['--noEmit', '--strict', '--target', 'es2024', '--module', 'nodenext', '--types', 'node'];

async function compile(...args: readonly string[]): Promise<string> {
  const tsc = join('node_modules', 'typescript', 'bin', 'tsc');
  const compiled = run(process.execPath, [tsc, ...STRICT, ...args], { cwd: project });
  return compiled.then(
    () => '',
    (error: unknown) => (error as { stdout: string }).stdout,
  );
}

/** What `.js` and `.ts` files are compiled with that import one another as they run. */
const LOOSE = ['--skipLibCheck', '--allowJs', '--checkJs', '--allowImportingTsExtensions'];

describe('the packed package, in an empty project,', () => {
  it('has types that all examples compile against', async () => {
    const typed = ['v2-server.ts', 'v1-server.ts', 'hono.ts', 'function.ts', 'custom-metrics.ts'];
    const modules = [
      'hello',
      'slug',
      'primes.test',
      'weather.test',
      'booking.test',
      'deletion.test',
      'journey.test',
    ].map((name) => `tools/${name}.ts`);
    const plain = ['commonjs.cjs', 'fastmcp.js', 'mcp-nest.js', 'mcp-use.js'];
    expect(await compile(...LOOSE, ...typed, ...modules, ...plain)).toBe('');
  }, 120_000);

  it('refuses at compile time what would be refused at run time', async () => {
    writeFileSync(
      join(project, 'wrong.ts'),
      `import { counter, createMonitoring } from 'nexus-mcp/monitoring';
       const { custom } = createMonitoring({ metrics: { orders_total: counter('Orders', { plan: ['free'] }) } });
       custom.orders_total.inc({ plan: 'pro' });
       custom.orders_total.inc({});
       custom.nothing_total.inc({});
       createMonitoring({ metrics: { orders_total: counter('Orders', { customer: 'any' }) } });`,
    );
    const lines = (await compile('--skipLibCheck', 'wrong.ts')).match(/^wrong\.ts\(\d+/gm);
    expect(lines?.map((line) => Number(line.slice('wrong.ts('.length)))).toEqual([3, 4, 5, 6]);
  }, 120_000);

  it.each(['v2-server.ts', 'hono.ts'])('runs the v2 server of %s, in both eras', async (file) => {
    const { url, scrape } = await serve(file);
    for (const era of ['2026-07-28', '2025-11-25'] as const) {
      const { client } = await connectClient(url, era);
      const { content } = await client.callTool({ name: 'greet', arguments: { name: 'Ada' } });
      expect(content).toMatchObject([{ text: 'Hello Ada' }]);
      await client.callTool({ name: 'greet', arguments: { name: 5 } });
      await client.close();
    }
    const samples = await scrape();
    const tool_name = 'greet';
    expect(samples.value('mcp_tool_calls_total', { tool_name, status: 'success' })).toBe(2);
    expect(samples.value('mcp_tool_errors_total', { tool_name, reason: 'invalid_arguments' })).toBe(2);
    const { client } = await connectClient(url, '2026-07-28');
    const listening = await client.listen({ toolsListChanged: true });
    await expect
      .poll(async () => (await scrape()).value('mcp_active_subscriptions'), { timeout: 20_000 })
      .toBe(1);
    await listening.close();
    await client.close();
  });

  it('runs the v1 server', async () => {
    const { url, scrape } = await serve('v1-server.ts');
    const { client, transport } = await connectV1Client(url);
    await client.callTool({ name: 'greet', arguments: { name: 'Ada' } });
    expect((await scrape()).value('mcp_active_sessions')).toBe(1);
    const unknown = await fetch(`${url}/mcp`, { headers: { 'mcp-session-id': 'nobody-has-this' } });
    expect(unknown.status).toBe(404);
    expect((await scrape()).value('mcp_active_sessions')).toBe(1);
    await transport.terminateSession();
    await client.close();
    const samples = await scrape();
    expect(samples.value('mcp_active_sessions')).toBe(0);
    expect(samples.value('mcp_tool_calls_total', { tool_name: 'greet', status: 'success' })).toBe(1);
  });

  it.each(['fastmcp.js', 'mcp-nest.js', 'mcp-use.js'])('runs the framework of %s', async (file) => {
    const { url, scrape } = await serve(file);
    const { client } = await connectV1Client(url);
    const { content } = await client.callTool({ name: 'greet', arguments: { name: 'Ada' } });
    expect(content).toMatchObject([{ text: expect.stringContaining('Hello Ada') as string }]);
    await client.close();
    const labels = { tool_name: 'greet', status: 'success' };
    expect((await scrape()).value('mcp_tool_calls_total', labels)).toBe(1);
  });

  it('runs the function, and is loaded by require, too', async () => {
    const samples = await samplesOf('function.ts');
    expect(samples.value('mcp_tool_calls_total', { tool_name: 'parse', status: 'success' })).toBe(1);
    expect(samples.value('mcp_tool_errors_total', { tool_name: 'parse', reason: 'exception' })).toBe(1);
    const required = await samplesOf('commonjs.cjs');
    expect(required.value('mcp_tool_calls_total', { tool_name: 'double', status: 'success' })).toBe(1);
  });

  it('runs the custom metrics, each of which the dashboard shows', async () => {
    const { scrape } = await serve('custom-metrics.ts');
    const samples = await scrape();
    expect(samples.value('shop_orders_total', { plan: 'pro' })).toBe(1);
    const dashboard = JSON.parse(readFileSync(join(project, 'shop-dashboard.json'), 'utf8')) as {
      readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[];
    };
    const queries = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    const shown = queries.flatMap((query) => query.match(/\b(?:shop|mcp)_\w+/g) ?? []);
    for (const name of shown) expect(samples.select(name), name).not.toEqual([]);
    const own = samples.all.map(({ name }) => name).filter((name) => name.startsWith('shop_'));
    const families = new Set(own.map((name) => name.replace(/_(bucket|count|sum)$/, '')));
    for (const family of families) expect(queries.join(), family).toContain(family);
  });

  it('sends its spans to the SDK that is there, though that is an older one', async () => {
    const script = `
      import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
      import { createMonitoring } from 'nexus-mcp/monitoring';
      const exporter = new InMemorySpanExporter();
      new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
      const monitoring = createMonitoring();
      await monitoring.tool('half', () => 1)();
      const { body } = await monitoring.metrics('application/openmetrics-text');
      const exemplar = /tool_name="half".* # {trace_id="(.*?)"}/.exec(body)?.[1];
      const spans = exporter.getFinishedSpans().map((span) => [span.name, span.spanContext().traceId === exemplar]);
      process.stdout.write(JSON.stringify(spans));`;
    writeFileSync(join(project, 'traced.js'), script);
    const { stdout } = await run(process.execPath, ['traced.js'], { cwd: project });
    expect(JSON.parse(stdout)).toEqual([['execute_tool half', true]]);
  });

  it('runs the tests of tools', async () => {
    const { stdout } = await run(process.execPath, ['--test', 'tools/*.test.ts'], { cwd: project });
    expect(stdout).toMatch(/pass 12\n/);
  });

  it('tests a module that needs variables, in both ways that the page on tools shows', async () => {
    const page = readFileSync(join(ROOT, 'docs/writing-tools.md'), 'utf8');
    const [, flags = ''] = /^npx node (--test --env-file=\S+)$/m.exec(page) ?? [];
    const [, line = ''] = /`test\.env` with the line `(.+?)`/.exec(page) ?? [];
    const [, late = ''] = /^```ts\n(process\.env[^]+?)^```$/m.exec(page) ?? [];
    const needy = (imported: string) => `
      import { callTool } from 'nexus-mcp/testing';
      ${imported}
      const { result } = await callTool(temperature, {});
      if (result.value !== 'test') throw new Error(result.value);`;
    const files = {
      'weather.ts': `
        import { defineTool, z } from 'nexus-mcp/tools';
        const { WEATHER_KEY } = process.env;
        if (!WEATHER_KEY) throw new Error('Set WEATHER_KEY.');
        export const temperature = defineTool({
          name: 'temperature', title: 'T', description: 'T.', input: z.strictObject({}),
          annotations: { readOnly: true, idempotent: true, openWorld: false }, handler: () => WEATHER_KEY,
        });`,
      'early.test.js': needy("import { temperature } from './weather.ts';"),
      'late.test.js': needy(late),
      'test.env': `${line}\n`,
    };
    const directory = join(project, 'needy');
    mkdirSync(directory);
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
    const inDirectory = { cwd: directory };
    await run(process.execPath, ['--test', 'late.test.js'], inDirectory);
    await run(process.execPath, [...flags.split(' '), 'early.test.js'], inDirectory);
    await expect(run(process.execPath, ['--test', 'early.test.js'], inDirectory)).rejects.toThrow();
  });

  it.each(['2026-07-28', '2025-11-25'] as const)('runs the tool that asks its user, in %s', async (era) => {
    const program = join('node_modules', 'nexus-mcp', 'dist', 'main.js');
    const { url } = await serve(program, '--tools.modules', 'tools/booking.ts');
    const { client } = await connectClient(url, era, { capabilities: { elicitation: { form: {} } } });
    const answers = [{ action: 'accept' as const, content: { seats: 4 } }, { action: 'decline' as const }];
    client.setRequestHandler('elicitation/create', () => answers.shift() ?? { action: 'cancel' });
    const call = { name: 'book_table', arguments: { restaurant: 'Nord' } };
    expect(await client.callTool(call)).toMatchObject({
      content: [{ text: '4 seats at Nord are booked.' }],
    });
    expect(await client.callTool(call)).toMatchObject({ isError: true });
    await client.close();
  });

  it('still has the entry for tool modules', async () => {
    const script = `import { defineTool } from 'nexus-mcp/tools'; process.stdout.write(typeof defineTool)`;
    writeFileSync(join(project, 'tools.js'), script);
    expect((await run(process.execPath, ['tools.js'], { cwd: project })).stdout).toBe('function');
  });
});
