import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { cachedPackages } from '../../scripts/cached-packages.ts';

const SOURCE = join(import.meta.dirname, 'frameworks');

/** Frameworks for MCP servers from npm, once a machine: they have dependencies of their own, as with their users. */
export async function provideFrameworks(): Promise<{
  /** Their package.json and node_modules. */
  readonly directory: string;
  /** Imports one of them, as a module beside them would. */
  readonly load: (name: string) => Promise<unknown>;
}> {
  const directory = await cachedPackages(
    SOURCE,
    (draft) => writeFile(join(draft, 'load.cjs'), 'module.exports = (name) => import(name);\n'),
    ['--omit=optional', '--prefer-offline'],
  );
  const require = createRequire(import.meta.url);
  return { directory, load: require(join(directory, 'load.cjs')) as (name: string) => Promise<unknown> };
}
