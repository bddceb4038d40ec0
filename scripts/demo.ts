/**
 * Shows the server with everything around it: builds the images, starts what compose.yaml describes, says where to
 * look, and at Ctrl-C stops it all and leaves nothing behind. Does without Grafana where its image cannot be had.
 *
 * `--pictures DIRECTORY` shows it for a few minutes, takes pictures of the dashboards, and stops; without Grafana it says so and ends.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { launchChromium } from '../test/browser/chromium.ts';
import {
  ALERTMANAGER_IMAGE,
  GRAFANA_IMAGE,
  NODE_IMAGE,
  PROMETHEUS_IMAGE,
} from '../test/integration/images.ts';
import { pictureDashboards } from './dashboard-pictures.ts';
import { buildImage } from './stand-in-images/docker.ts';
import { obtain } from './stand-in-images/obtain.ts';
import { provideImages } from './stand-in-images/provide.ts';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const COMPOSE_FILE = fileURLToPath(new URL('../compose.yaml', import.meta.url));
const ENSURE_COMPOSE = fileURLToPath(new URL('ensure-compose.sh', import.meta.url));
const ENSURE_CHROMIUM = fileURLToPath(new URL('ensure-chromium.sh', import.meta.url));
const READY_SECONDS = 60;
const DAY_MS = 86_400_000;
/** After that the panels have something to show. */
const TRAFFIC_SECONDS = 300;

interface Part {
  readonly service: string;
  readonly what: string;
  readonly port: number;
  /** What answers 200 when it is ready. */
  readonly probe: string;
}

const PARTS: readonly Part[] = [
  { service: 'server', what: 'Server', port: 9999, probe: '/readyz' },
  { service: 'prometheus', what: 'Prometheus', port: 9090, probe: '/-/ready' },
  { service: 'alertmanager', what: 'Alertmanager', port: 9093, probe: '/-/ready' },
];
const GRAFANA: Part = { service: 'grafana', what: 'Grafana', port: 3000, probe: '/api/health' };

const { values } = parseArgs({ options: { pictures: { type: 'string' } } });

const stopped = new AbortController();
const isStopping = (): boolean => stopped.signal.aborted;
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => {
    stopped.abort();
  });
}

const [command = '', ...prefix] = execFileSync('sh', [ENSURE_COMPOSE], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
  .toString()
  .trim()
  .split(' ');

const NAME =
  values.pictures === undefined ? (process.env['DEMO_PROJECT'] ?? 'nexus-mcp-demo') : 'nexus-mcp-pictures';

/**
 * Said on every command line, where COMPOSE_PROJECT_NAME and COMPOSE_FILE of the environment do not count: what is
 * taken down in the end must be the demonstration, and nobody else's project.
 */
const OURS = ['--project-name', NAME, '--file', COMPOSE_FILE];

/** Whoever takes pictures needs no known ports, and may show the demonstration meanwhile. */
const FREE_PORTS = { NEXUS_PORT: '0', PROMETHEUS_PORT: '0', ALERTMANAGER_PORT: '0', GRAFANA_PORT: '0' };

/** Runs Docker Compose to its end, in a process group of its own, which Ctrl-C does not reach. */
async function compose(...args: readonly string[]): Promise<string> {
  const child = spawn(command, [...prefix, ...OURS, ...args], {
    cwd: PROJECT,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, ...(values.pictures !== undefined && FREE_PORTS) },
  });
  const ended = once(child, 'close') as Promise<[number | null]>;
  const [output, complaints, [code]] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code === 0) return output.trim();
  throw new Error(`${command} ${args.join(' ')} failed:\n${complaints}`);
}

async function buildImages(): Promise<void> {
  await provideImages([PROMETHEUS_IMAGE, ALERTMANAGER_IMAGE, NODE_IMAGE], console.log);
  const buildArgs = { NODE_IMAGE };
  console.log('Building the images of the server and of its clients');
  await buildImage('nexus-mcp:demo', PROJECT, { buildArgs: { ...buildArgs, REVISION: 'demo' } });
  await buildImage('nexus-mcp-traffic:demo', PROJECT, { buildArgs, dockerfile: 'demo/Dockerfile' });
}

async function partsToShow(): Promise<readonly Part[]> {
  try {
    await obtain(GRAFANA_IMAGE);
    return [...PARTS, GRAFANA];
  } catch (error) {
    const [why = ''] = String(error instanceof Error ? error.message : error).split('\n');
    console.log(`Without Grafana, because its image cannot be had: ${why}`);
    return PARTS;
  }
}

const addressOf = async ({ service, port }: Part): Promise<string> =>
  `http://${(await compose('port', service, String(port))).replace('0.0.0.0', '127.0.0.1')}`;

async function waitUntilReady(part: Part): Promise<void> {
  const { service, what, probe } = part;
  const address = await addressOf(part);
  const end = performance.now() + READY_SECONDS * 1000;
  for (;;) {
    if (isStopping()) return;
    const ready = await fetch(`${address}${probe}`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) break;
    if (performance.now() > end)
      throw new Error(
        `${what} was not ready within ${READY_SECONDS} s:\n${await compose('logs', '--tail=20', service)}`,
      );
    await sleep(200);
  }
  console.log(`${what.padEnd(14)}${address}`);
}

async function takePictures(directory: string): Promise<void> {
  const chromium = execFileSync('sh', [ENSURE_CHROMIUM], { stdio: ['ignore', 'pipe', 'inherit'] });
  console.log(`Clients call the tools; pictures are taken in ${TRAFFIC_SECONDS / 60} minutes`);
  await sleep(TRAFFIC_SECONDS * 1000, undefined, { signal: stopped.signal }).catch(() => undefined);
  if (isStopping()) return;
  const browser = await launchChromium(chromium.toString().trim());
  try {
    for (const path of await pictureDashboards(browser, await addressOf(GRAFANA), directory))
      console.log(path);
  } finally {
    await browser.close();
  }
}

async function show(pictures: string | undefined): Promise<void> {
  const parts = await partsToShow();
  if (pictures !== undefined && !parts.includes(GRAFANA)) {
    console.log('No pictures of the dashboards are taken');
    return;
  }
  await buildImages();
  if (isStopping()) return;
  await compose('up', '--detach', '--no-build', 'traffic', ...parts.map(({ service }) => service));
  for (const part of parts) await waitUntilReady(part);
  if (isStopping()) return;
  if (pictures !== undefined) {
    await takePictures(pictures);
    return;
  }
  console.log('Clients call the tools; every kind of failure is there within a minute.');
  console.log('Call them yourself with the bearer token demo-assistant-token. Ctrl-C stops it all.');
  // Waiting for a signal alone would not keep the process alive.
  while (!isStopping()) await sleep(DAY_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
}

try {
  await show(values.pictures);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  console.log('Stopping');
  await compose('down', '--volumes', '--remove-orphans', '--timeout', '10');
}
process.exit();
