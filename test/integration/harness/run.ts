import { hostname } from 'node:os';
import process from 'node:process';
import { run as execute } from '../../../scripts/stand-in-images/run.ts';
import { SERVER_IMAGE } from '../images.ts';

const LABEL = 'nexus-mcp.test-run';
const VARIABLE = 'CONTAINER_TEST_RUN';
const IMAGE_VARIABLE = 'CONTAINER_TEST_IMAGE';

/** Names this process as the run that the containers of its tests belong to, and the image of ours they test. */
export function beginRun(image: string): void {
  process.env[VARIABLE] = `${hostname()}/${process.pid}`;
  process.env[IMAGE_VARIABLE] = image;
}

/** Our image by its id: another run on this machine may move the tag meanwhile. */
export const serverImage = (): string => process.env[IMAGE_VARIABLE] ?? SERVER_IMAGE;

/** The label by which a run finds its containers. */
export const runLabel = (): Record<string, string> => ({ [LABEL]: process.env[VARIABLE] ?? 'none' });

/** Removes the containers of runs on this machine that were killed; those of live runs are left alone. */
export const removeLeftovers = (): Promise<void> =>
  removeContainers((run) => {
    const [host, id] = run.split('/');
    return host === hostname() && !isAlive(Number(id));
  });

/** Removes what this run's tests left behind. */
export const endRun = (): Promise<void> => removeContainers((run) => run === process.env[VARIABLE]);

async function removeContainers(ofRun: (run: string) => boolean): Promise<void> {
  const format = `{{.ID}} {{.Label "${LABEL}"}}`;
  const list = await execute('docker', ['ps', '--all', '--filter', `label=${LABEL}`, '--format', format]);
  const containers = list.split('\n').map((line) => line.split(' '));
  const ids = containers.filter(([, run]) => run !== undefined && ofRun(run)).map(([id = '']) => id);
  if (ids.length > 0) await execute('docker', ['rm', '--force', '--volumes', ...ids]);
}

function isAlive(id: number): boolean {
  try {
    process.kill(id, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
