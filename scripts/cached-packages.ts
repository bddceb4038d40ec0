import { createHash } from 'node:crypto';
import { copyFile, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { cached } from './stand-in-images/cache.ts';
import { run } from './stand-in-images/run.ts';

const NAMES = ['package.json', 'package-lock.json', '.npmrc'];

/**
 * Installs packages from npm, once a machine, and returns the directory that has their node_modules.
 * @param source a directory with their package list; the lockfile beside it holds their integrity
 * @param finish does what else is to be done in that directory, once
 * @param args further arguments of `npm ci`
 */
export async function cachedPackages(
  source: string,
  finish?: (directory: string) => Promise<void>,
  args: readonly string[] = [],
): Promise<string> {
  const lock = await readFile(join(source, 'package-lock.json'));
  const key = createHash('sha256').update(lock).digest('hex').slice(0, 12);
  return cached(`${basename(source)}-${key}`, async (draft) => {
    await Promise.all(NAMES.map((name) => copyFile(join(source, name), join(draft, name))));
    await run('npm', ['ci', '--ignore-scripts', '--loglevel=error', ...args], draft);
    await finish?.(draft);
  });
}
