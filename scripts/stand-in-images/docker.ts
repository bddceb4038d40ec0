import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { run } from './run.ts';

/** Names the recipe that a stand-in was built by. */
export const RECIPE_LABEL = 'nexus-mcp.stand-in';

interface Image {
  readonly id: string;
  /** The recipe, when it is a stand-in. */
  readonly recipe: string | undefined;
}

/** What the engine has under a name. */
export async function findImage(name: string): Promise<Image | undefined> {
  const format = `{{.Id}} {{with .Config.Labels}}{{index . "${RECIPE_LABEL}"}}{{end}}`;
  const answer = await run('docker', ['image', 'inspect', '--format', format, name]).catch(() => undefined);
  if (answer === undefined) return undefined;
  const [id = '', recipe] = answer.split(' ');
  return { id, recipe };
}

interface BuildOptions {
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** The Dockerfile, relative to the context. */
  readonly dockerfile?: string;
}

/**
 * Builds an image and returns its id. What the build runs uses the machine's own network, so that proxies and name
 * servers on loopback serve it too.
 */
export async function buildImage(
  name: string,
  context: string,
  { buildArgs = {}, labels = {}, dockerfile = 'Dockerfile' }: BuildOptions = {},
): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'image-id-'));
  const idFile = join(directory, 'id');
  try {
    await run('docker', [
      ...['build', '--tag', name, '--network', 'host', '--iidfile', idFile],
      ...['--file', join(context, dockerfile)],
      ...Object.entries(buildArgs).map(([key, value]) => `--build-arg=${key}=${value}`),
      ...Object.entries(labels).map(([key, value]) => `--label=${key}=${value}`),
      context,
    ]);
    return await readFile(idFile, 'utf8');
  } finally {
    await rm(directory, { recursive: true });
  }
}

const ANSWER_MS = 15_000;
const PULL_MS = 600_000;

/**
 * Pulls an image. A registry that says nothing for a while is taken as absent; a slow one gets its time.
 * @returns why it cannot be had, or nothing when it is there
 */
export async function pull(name: string): Promise<string | undefined> {
  const child = spawn('docker', ['pull', name], { stdio: ['ignore', 'pipe', 'pipe'], timeout: PULL_MS });
  const patience = setTimeout(() => child.kill(), ANSWER_MS);
  child.stdout.once('data', () => {
    clearTimeout(patience);
  });
  child.stdout.resume();
  const complaints = text(child.stderr);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(patience);
  if (code === 0) return undefined;
  return (await complaints).trim() || 'the registry did not answer in time';
}
