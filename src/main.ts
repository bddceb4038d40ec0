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
const { describeThrown } = await import('./monitoring/describe-thrown.ts');

let ends = false;
let lost: Error | undefined;
const end = (code: number): never => {
  ends = true;
  // What was written last fails only after this.
  const error = lost ?? process.stdout.errored;
  if (!error || isHungUp(error)) process.exit(code);
  process.stderr.write(`nexus-mcp: cannot write to stdout: ${error.message}\n`);
  process.exit(1);
};
process.on('exit', (code) => {
  if (ends) return;
  process.stderr.write(`nexus-mcp: ${unplanned()}\n`);
  if (code === 0) process.exitCode = 1;
});

const stopRequested = new Promise<string | Error>((resolve) => {
  let asked = false;
  const stop = (why: string | Error): void => {
    // A second signal means stop now; a second error does not.
    if (asked && typeof why === 'string') end(1);
    if (asked)
      process.stderr.write(
        `nexus-mcp: another error while stopping: ${JSON.stringify(describeThrown(why))}\n`,
      );
    asked = true;
    resolve(why);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('uncaughtException', stop);
  // As after `nexus-mcp probe URL | head -1`: nobody is left to be told.
  process.stdout.on('error', (error: Error) => {
    lost = error;
    resolve('stdout cannot be written to');
  });
  // What tools print goes there, and is no reason to stop.
  process.stderr.on('error', () => undefined);
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

function isHungUp(error: NodeJS.ErrnoException): boolean {
  return error.code === 'EPIPE';
}

/** Why the process ends that was not told to, for whoever finds no other trace of it. */
function unplanned(): string {
  const { stack = '' } = new Error('a tool module, most likely, called process.exit');
  // Node ends it so when an await has nothing left to wait for, with a warning that points at this file.
  if (!stack.includes('at process.exit'))
    return 'waits for what never comes; does a tool module await at its top level?';
  return `${stack.replace(/^Error: /, '')}\nA handler with isolation: 'worker' ends no more than its own thread.`;
}
