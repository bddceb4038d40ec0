import { fileURLToPath } from 'node:url';
import { destination } from 'pino';
import { createApplication } from '../src/application.ts';
import { settingsSchema } from '../src/config/settings.ts';
import { createLogger } from '../src/monitoring/logging.ts';
import { Door } from '../src/monitoring/door/door.ts';
import { Recorder } from '../src/monitoring/metrics/recorder.ts';
import { Tracing } from '../src/monitoring/traces/tracing.ts';
import { serve } from '../src/serve.ts';
import type { ToolCall } from '../src/tools/call.ts';
import { answerParent } from './probes.ts';

const modules = Number(process.env['BENCH_TOOLS']) > 1 ? ['many-tools.ts'] : [];
const option = (name: string): string | undefined =>
  process.argv.find((each) => each.startsWith(`--${name}=`))?.slice(`--${name}=`.length);
const [endpoint, stateKeyFile] = [option('traced'), option('state-key')];
const settings = settingsSchema.parse({
  server: { port: 0 },
  tools: { enabled: ['add', ...modules.map((file) => file.replace('.ts', ''))], modules },
  limits: { callsPerSecond: 0 },
  sessions: { max: 20_000, ...(stateKeyFile !== undefined && { stateKeyFile }) },
  ...(endpoint !== undefined && { tracing: { endpoint } }),
});
// A server always records. What recording costs is told by comparing with one where it does nothing.
if (process.argv.includes('--unmonitored'))
  for (const told of ['started', 'finished', 'request', 'operation', 'httpRequest'] as const)
    Recorder.prototype[told] = () => undefined;
const environment = {
  logger: createLogger(settings.log.level, destination(1)),
  now: () => performance.now() / 1000,
  unixTime: () => Date.now() / 1000,
  version: '0.0.0',
  revision: 'bench',
  env: process.env,
};
const created = await createApplication(settings, fileURLToPath(new URL('.', import.meta.url)), environment);
if (!created.ok) throw new Error(created.problems.join('\n'));
const { application } = created;
// As where an application of someone else's asks for spans that nobody takes.
const tracing = process.argv.includes('--untaken') ? new Tracing() : application.tracing;
const { recorder, now } = application;
const door = new Door<ToolCall>({ recorder, tracing, now, onError: application.mcp.onError });
const bound = { ...application, tracing, mcp: { ...application.mcp, tracing, door } };
const { port } = await serve(bound, settings, environment);
answerParent(port);
