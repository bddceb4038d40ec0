import { createHash } from 'node:crypto';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { cached } from '../../scripts/stand-in-images/cache.ts';
import { run } from '../../scripts/stand-in-images/run.ts';

const SOURCE = join(import.meta.dirname, 'frameworks');
const NAMES = ['package.json', 'package-lock.json', '.npmrc'];

/** Frameworks for MCP servers from npm, once a machine: they have dependencies of their own, as with their users. */
export async function provideFrameworks(): Promise<{
  /** Their package.json and node_modules. */
  readonly directory: string;
  /** Imports one of them, as a module beside them would. */
  readonly load: (name: string) => Promise<unknown>;
}> {
  const lock = await readFile(join(SOURCE, 'package-lock.json'));
  const key = createHash('sha256').update(lock).digest('hex').slice(0, 12);
  const directory = await cached(`frameworks-${key}`, async (draft) => {
    await Promise.all(NAMES.map((name) => copyFile(join(SOURCE, name), join(draft, name))));
    await run(
      'npm',
      ['ci', '--omit=optional', '--ignore-scripts', '--prefer-offline', '--loglevel=error'],
      draft,
    );
    await writeFile(join(draft, 'load.cjs'), 'module.exports = (name) => import(name);\n');
  });
  const require = createRequire(import.meta.url);
  return { directory, load: require(join(directory, 'load.cjs')) as (name: string) => Promise<unknown> };
}
