import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { findImage } from '../../scripts/stand-in-images/docker.ts';
import { obtain } from '../../scripts/stand-in-images/obtain.ts';
import { provideAll } from '../../scripts/stand-in-images/provide.ts';
import { beginRun, endRun, removeLeftovers } from './harness/run.ts';
import { PROMETHEUS_IMAGE, REAPER_IMAGE } from './images.ts';

const ENSURE_DOCKER = fileURLToPath(new URL('../../scripts/ensure-docker.sh', import.meta.url));

/** Provides an engine and the images, and leaves no container behind. */
export default async function setup(): Promise<() => Promise<void>> {
  const { status } = spawnSync('sh', [ENSURE_DOCKER], { stdio: 'inherit' });
  if (status !== 0) throw new Error('there is no Docker engine');
  const image = await provideAll((line) => process.stdout.write(`${line}\n`));
  if (!(await hasReaper())) process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';
  beginRun(image);
  await removeLeftovers();
  return endRun;
}

/** Whether the reaper's image is there; where a stand-in was needed, no registry is asked again. */
async function hasReaper(): Promise<boolean> {
  process.env['RYUK_CONTAINER_IMAGE'] = REAPER_IMAGE;
  if (await findImage(REAPER_IMAGE)) return true;
  if ((await findImage(PROMETHEUS_IMAGE))?.recipe) return false;
  return obtain(REAPER_IMAGE).then(
    () => true,
    () => false,
  );
}
