import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

const cacheHome = process.env['XDG_CACHE_HOME'] ?? '';
const CACHE = join(cacheHome === '' ? join(homedir(), '.cache') : cacheHome, 'nexus-mcp');

/** The directory of downloads that has this key, filled by `fill` when there is none; never half filled. */
export async function cached(key: string, fill: (directory: string) => Promise<void>): Promise<string> {
  const directory = join(CACHE, key);
  if (await exists(directory)) return directory;
  await mkdir(CACHE, { recursive: true });
  const draft = await mkdtemp(join(CACHE, 'draft-'));
  try {
    await fill(draft);
    // Another run may have been faster.
    if (!(await exists(directory))) await rename(draft, directory);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return directory;
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
