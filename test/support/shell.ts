import { execFileSync, spawnSync } from 'node:child_process';

/** Takes the place of make, and prints the arguments of the server. */
const MAKE = `make() { eval "set -- \${2#ARGS=}"; printf '%s\\n' "$@"; }`;

/** What a script prints. */
export const shell = (script: string): string => execFileSync('sh', ['-c', script], { encoding: 'utf8' });

/** The arguments that a documented `make run` starts the server with. */
export const argumentsOf = (command: string): readonly string[] =>
  shell(`${MAKE}\n${command}`).trim().split('\n');

export const hasCurl = spawnSync('curl', ['--version']).status === 0;
