import { hash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** In what is the temporary directory of one run, all of its test files included. */
const directory = join(tmpdir(), 'once-a-run');

/** What the work gives, as far as JSON keeps it: all test files of a run that have the same key share it. */
export async function onceARun<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
  const file = join(directory, hash('sha256', key));
  const known = await readFile(file, 'utf8').catch(() => undefined);
  if (known !== undefined) return JSON.parse(known) as Result;
  const result = await work();
  await mkdir(directory, { recursive: true });
  // Nobody may read half of it.
  const draft = `${file}-${randomUUID()}`;
  await writeFile(draft, JSON.stringify(result));
  await rename(draft, file);
  return result;
}
