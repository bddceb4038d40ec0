import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { destination } from 'pino';
import { createApplication, type Application } from '../src/application.ts';
import { settingsSchema, type Settings } from '../src/config/settings.ts';
import { AuditOutput } from '../src/monitoring/audit/audit-output.ts';
import { createLogger } from '../src/monitoring/logging.ts';
import { Door } from '../src/monitoring/door/door.ts';
import { eventLoop } from '../src/monitoring/metrics/event-loop.ts';
import { heapLimit } from '../src/monitoring/metrics/heap.ts';
import { Tracing } from '../src/monitoring/traces/tracing.ts';
import { serve } from '../src/serve.ts';
import { keepCollectionsShort } from '../src/short-collections.ts';
import type { ToolCall } from '../src/tools/call.ts';
import { answerParent } from './probes.ts';

keepCollectionsShort();

const modules = Number(process.env['BENCH_TOOLS']) > 1 ? ['many-tools.ts'] : [];
const option = (name: string): string | undefined =>
  process.argv.find((each) => each.startsWith(`--${name}=`))?.slice(`--${name}=`.length);
const [endpoint, stateKeyFile, deadline] = [option('traced'), option('state-key'), option('deadline')];
const [issuer, token] = [option('issuer'), option('token')];
const upstreams = process.argv
  .filter((each) => each.startsWith('--upstream='))
  .map((each) => namedUpstream(each.slice('--upstream='.length)));

/** An upstream as `name=url`. */
function namedUpstream(text: string): { readonly name: string; readonly url: string } {
  const [name = '', ...url] = text.split('=');
  return { name, url: url.join('=') };
}

const settings = {
  server: { port: 0 },
  tools: { enabled: ['add', ...modules.map((file) => file.replace('.ts', ''))], modules },
  limits: { callsPerSecond: 0, upstreamTools: 2000 },
  sessions: { max: 20_000, ...(stateKeyFile !== undefined && { stateKeyFile }) },
  ...(endpoint !== undefined && { tracing: { endpoint } }),
  ...(issuer !== undefined && { auth: { token, resource: 'http://localhost/mcp', issuers: [{ issuer }] } }),
  upstreams: upstreams.map((each) => ({
    ...each,
    ...(deadline !== undefined && { timeoutSeconds: Number(deadline) }),
  })),
};
const environment = {
  logger: createLogger('info', destination(1)),
  now: () => performance.now() / 1000,
  unixTime: () => Date.now() / 1000,
  version: '0.0.0',
  revision: 'bench',
  env: process.env,
  eventLoop: () => eventLoop().read(),
  heap: () => ({ kept_bytes: 0, limit_bytes: heapLimit() }),
};

/** Serves on a port of its own. */
async function open(
  given: object,
  change: (application: Application) => Application,
  auditOutput?: AuditOutput,
): Promise<number> {
  const parsed: Settings = settingsSchema.parse({ ...settings, ...given });
  const directory = fileURLToPath(new URL('.', import.meta.url));
  const created = await createApplication(parsed, directory, { ...environment, auditOutput });
  if (!created.ok) throw new Error(created.problems.join('\n'));
  const { port } = await serve(change(created.application), parsed, environment);
  return port;
}

const asItIs = (application: Application): Application => application;

/** Without what is counted of calls and requests. The recorder cannot be switched off, and is made to do nothing. */
function unmonitored(application: Application): Application {
  for (const told of ['started', 'finished', 'request', 'operation', 'httpRequest'] as const)
    application.recorder[told] = () => undefined;
  return application;
}

/** As where an application of someone else's asks for spans that nobody takes. */
function untaken(application: Application): Application {
  const { recorder, now, mcp } = application;
  const tracing = new Tracing();
  const door = new Door<ToolCall>({ recorder, tracing, now, onError: mcp.onError });
  return { ...application, tracing, mcp: { ...mcp, tracing, door } };
}

/**
 * What may be served besides, in the same process: two processes of one program differ by some percent, by luck of where the
 * compiler and the allocator put things, and two servers of one process do not.
 */
const BESIDE: Readonly<Record<string, () => Promise<number>>> = {
  same: () => open({}, asItIs),
  unmonitored: () => open({ metrics: { enabled: false } }, unmonitored),
  untaken: () => open({}, untaken),
  audited: async () =>
    open({}, asItIs, await AuditOutput.open(join(mkdtempSync(join(tmpdir(), 'audit-')), 'audit.jsonl'))),
};

const port = await open({}, asItIs);
const beside = await BESIDE[option('beside') ?? '']?.();
answerParent(port, ...(beside === undefined ? [] : [beside]));
