import { fileURLToPath } from 'node:url';
import {
  ALERTMANAGER_IMAGE,
  NGINX_IMAGE,
  NODE_IMAGE,
  PROMETHEUS_IMAGE,
  SERVER_IMAGE,
} from '../../test/integration/images.ts';
import { forgetIndexes } from './debian.ts';
import { buildImage, findImage } from './docker.ts';
import { obtain } from './obtain.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

type Report = (line: string) => void;

/** Makes the images that ours is built from and tested with available, all at once. */
export async function provideImages(names: readonly string[], report: Report): Promise<void> {
  const results = await Promise.allSettled(names.map((name) => timed(name, () => obtain(name), report)));
  await forgetIndexes();
  const failure = results.find((result) => result.status === 'rejected');
  if (failure) throw failure.reason;
}

/** Makes all images available, and builds ours from the working tree; returns the id of ours. */
export async function provideAll(report: Report): Promise<string> {
  await provideImages([PROMETHEUS_IMAGE, ALERTMANAGER_IMAGE, NGINX_IMAGE, NODE_IMAGE], report);
  const before = await findImage(SERVER_IMAGE);
  let id = '';
  await timed(
    SERVER_IMAGE,
    async () => {
      id = await buildImage(SERVER_IMAGE, PROJECT, { buildArgs: { NODE_IMAGE, REVISION: 'test' } });
      return id === before?.id ? 'present' : 'built';
    },
    report,
  );
  return id;
}

/** Reports how an image came to be there, and how long that took. */
async function timed(name: string, make: () => Promise<string>, report: Report): Promise<void> {
  const start = performance.now();
  const how = await make();
  report(`${name}: ${how} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
}
