import { fileURLToPath } from 'node:url';
import { createApplication } from '../../src/application.ts';
import { settingsSchema } from '../../src/config/settings.ts';
import { AuditOutput } from '../../src/monitoring/audit/audit-output.ts';
import { LineOutput } from '../../src/monitoring/line-output.ts';
import { createLog } from '../../src/monitoring/logging.ts';
import type { WatchPace } from '../../src/kubernetes/watch-pace.ts';
import { serve } from '../../src/serve.ts';
import type { Pace } from '../../src/upstream/supervisor.ts';
import { scrape, type Samples } from './metrics-text.ts';

export const FIXTURE_TOOLS = fileURLToPath(new URL('fixture-tools.ts', import.meta.url));

/** What REST answers to a call: the fields of results and of errors. */
export interface ExecuteBody {
  readonly tool_name?: string | null;
  readonly arguments?: unknown;
  readonly result?: unknown;
  readonly status?: 'success' | 'error';
  readonly reason?: string | null;
  readonly detail?: string;
  readonly error?: string;
  readonly execution_time?: number;
}

/** A server in this process, on free ports, with the fixture tools besides its own. */
export interface TestServer {
  readonly url: string;
  readonly opsUrl: string | undefined;
  /** The log so far, parsed. */
  readonly logs: Record<string, unknown>[];
  /** What `/metrics` says now. */
  scrape(): Promise<Samples>;
  execute(tool: string, args?: unknown, init?: RequestInit): Promise<{ status: number; body: ExecuteBody }>;
  stop(): Promise<boolean>;
}

export const CALM = { seconds: 45, p99: 0.01, max: 0.02, utilization: 0.1 };

/** A heap with room. */
export const ROOMY = { kept_bytes: 30e6, limit_bytes: 500e6 };

type Overrides = Record<string, object>;

/**
 * Starts a server with settings that differ from the defaults as given.
 * @param unixTime what time it is for the server, in seconds
 * @param upstreamPace when upstreams are looked at, where that is not as ever
 * @param discoveryPace when the Kubernetes API is asked for them, likewise
 * @param eventLoop what the status page is told of it; that of the process is as busy as the tests are
 * @param heap likewise
 */
export async function startTestServer(
  overrides: Overrides = {},
  unixTime = (): number => Date.now() / 1000,
  upstreamPace: Partial<Pace> = {},
  discoveryPace: Partial<WatchPace> = {},
  eventLoop = CALM,
  heap = ROOMY,
): Promise<TestServer> {
  const settings = settingsSchema.parse({
    ...overrides,
    server: { port: 0, ...overrides['server'] },
    tools: { modules: [FIXTURE_TOOLS], ...overrides['tools'] },
    log: { level: 'debug', ...overrides['log'] },
    // The connections that fetch keeps are never used at the moment of a stop.
    shutdown: { idleSeconds: 0.1, ...overrides['shutdown'] },
  });
  const logs: Record<string, unknown>[] = [];
  const log = new LineOutput((chunk, done) => {
    for (const line of chunk.toString().trimEnd().split('\n'))
      logs.push(JSON.parse(line) as Record<string, unknown>);
    done(null, chunk.length);
  });
  const { enabled, file } = settings.audit;
  const auditOutput = file === undefined ? AuditOutput.inLog(log) : await AuditOutput.open(file);
  const environment = {
    logger: createLog('debug', log),
    auditOutput: enabled ? auditOutput : undefined,
    now: () => performance.now() / 1000,
    unixTime,
    version: '0.0.0',
    revision: 'test',
    env: {},
    upstreamPace,
    discoveryPace,
    eventLoop: () => eventLoop,
    heap: () => heap,
  };
  const created = await createApplication(settings, process.cwd(), environment);
  if (!created.ok) throw new Error(created.problems.join('\n'));
  const serving = await serve(created.application, settings, environment);
  const url = `http://127.0.0.1:${serving.port}`;
  const opsUrl = serving.opsPort === undefined ? undefined : `http://127.0.0.1:${serving.opsPort}`;
  return {
    url,
    opsUrl,
    logs,
    scrape: () => scrape(opsUrl ?? url),
    async execute(tool, args, init = {}) {
      const response = await fetch(`${url}/execute`, {
        method: 'POST',
        ...init,
        headers: {
          'content-type': 'application/json',
          ...(init.headers as Record<string, string> | undefined),
        },
        body: JSON.stringify({ tool_name: tool, ...(args !== undefined && { arguments: args }) }),
      });
      return { status: response.status, body: (await response.json()) as ExecuteBody };
    },
    stop: () => serving.stop(),
  };
}
