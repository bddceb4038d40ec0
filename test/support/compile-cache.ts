import { join } from 'node:path';
import process from 'node:process';

const VARIABLE = 'NODE_COMPILE_CACHE';

/** Lets Node keep what it compiles in a directory: a run starts the server hundreds of times. */
export function keepCompiled(directory: string): void {
  process.env[VARIABLE] = join(directory, 'compiled');
}

/** The environment variable by which a process finds what others of the run have compiled. */
export const compiled = (): Readonly<Record<string, string>> => {
  const directory = process.env[VARIABLE];
  return directory === undefined ? {} : { [VARIABLE]: directory };
};
