#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import process from 'node:process';

const { version, engines } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
) as {
  version: string;
  engines: { node: string };
};

if (isOlder(process.version, engines.node)) {
  process.stderr.write(`nexus-mcp: needs Node ${engines.node}; this is ${process.version}\n`);
  process.exit(2);
}
// Only now, because an older Node fails to load it, and names an export that it does not have.
const { run } = await import('./cli/run.ts');

let ends = false;
const end = (code: number): never => {
  ends = true;
  process.exit(code);
};
process.on('exit', (code) => {
  if (!ends) process.stderr.write(`nexus-mcp: ${unplanned(code)}\n`);
});

const stopRequested = new Promise<string | Error>((resolve) => {
  let asked = false;
  const stop = (why: string | Error): void => {
    // Who asks twice does not want to wait.
    if (asked) end(1);
    asked = true;
    resolve(why);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('uncaughtException', stop);
  // As after `nexus-mcp probe URL | head -1`: nobody is left to be told.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') resolve('nobody reads stdout any more');
    else stop(error);
  });
});

end(
  await run({
    argv: process.argv.slice(2),
    env: process.env,
    directory: process.cwd(),
    version,
    now: () => performance.now() / 1000,
    stdout: process.stdout,
    stderr: process.stderr,
    stopRequested,
  }),
);

/** Whether a version such as `v24.16.0` is below a bound such as `>=24.16`. */
function isOlder(version: string, bound: string): boolean {
  const numbers = (text: string): readonly number[] => (text.match(/\d+/g) ?? []).map(Number);
  const [major = 0, minor = 0] = numbers(version);
  const [least = 0, leastMinor = 0] = numbers(bound);
  return major < least || (major === least && minor < leastMinor);
}

/** Why the process ends that was not told to, for whoever finds no other trace of it. */
function unplanned(code: number): string {
  // Node's own, with a warning that points at this file.
  if (code === 13) return 'waits for what never comes; does a tool module await at its top level?';
  const { stack = '' } = new Error('a tool, most likely, called process.exit');
  return `${stack.replace(/^Error: /, '')}\nWith isolation: 'worker' it ends no more than its own thread.`;
}
