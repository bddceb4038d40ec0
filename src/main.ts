#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import process from 'node:process';
import { isatty } from 'node:tty';
import { keepCollectionsShort } from './short-collections.ts';
import { unawaited } from './tools/unawaited.ts';

const { version, engines } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
) as {
  version: string;
  engines: { node: string };
};

if (isOlder(process.version, engines.node)) {
  process.stderr.write(
    `nexus-mcp: needs Node ${engines.node}; this is ${process.version}\n` +
      'nexus-mcp: install that, or have your project bring it: npm install node@24; with npm 12 then: ' +
      'npm install-scripts approve node && npm rebuild node\n' +
      'nexus-mcp: in a project that has node@24, start npx nexus-mcp, or put node_modules/.bin first in PATH\n',
  );
  process.exit(2);
}
keepCollectionsShort();
let endsAsPlanned = false;
let outputError: Error | undefined;
const end = (code: number): never => {
  endsAsPlanned = true;
  // The stream knows of a failed write before it emits the error.
  const error = outputError ?? process.stdout.errored;
  if (!error || isReaderGone(error)) process.exit(code);
  process.stderr.write(`nexus-mcp: cannot write to stdout: ${error.message}\n`);
  process.exit(1);
};
process.on('exit', (code) => {
  if (endsAsPlanned) return;
  process.stderr.write(`nexus-mcp: ${unplanned()}\n`);
  if (code === 0) process.exitCode = 1;
});

// Seen before the terminal may be gone.
const hasTerminal = isatty(0) || isatty(1);
let hangup: (() => void) | undefined;

const stopRequested = new Promise<string | Error>((resolve) => {
  let asked = false;
  const stop = (why: string | Error): void => {
    // A second signal means stop now; a second error does not.
    if (asked && typeof why === 'string') end(1);
    if (asked) void complain(why);
    asked = true;
    resolve(why);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('SIGHUP', (signal) => {
    if (hangup && !hasTerminal) hangup();
    // Who closes a terminal may send it twice: by the terminal and by the shell.
    else if (!asked) stop(signal);
  });
  process.on('uncaughtException', (thrown: unknown, origin) => {
    // Whatever a tool throws: a text is no signal's name.
    const error = thrown instanceof Error ? thrown : new Error(`thrown: ${String(thrown)}`);
    stop(origin === 'unhandledRejection' ? unawaited(error) : error);
  });
  // Nobody reads the output any more, as after `nexus-mcp probe URL | head -1`, or it cannot be written.
  process.stdout.on('error', (error: Error) => {
    outputError = error;
    resolve('stdout cannot be written to');
  });
  // Logs of stdio and what tools print go to stderr. That it cannot be written is no reason to stop.
  process.stderr.on('error', () => undefined);
});

// Imported only now. An older Node fails to load these modules, and complains of an export that it does not have; and loading them
// takes a while, in which a signal that nobody listens for is lost on the first process of a container.
const { run } = await import('./cli/run.ts');

end(
  await run({
    argv: process.argv.slice(2),
    env: process.env,
    directory: process.cwd(),
    version,
    now: () => performance.now() / 1000,
    unixTime: () => Date.now() / 1000,
    stdout: process.stdout,
    stderr: process.stderr,
    openStdio,
    openLog,
    onHangup: (listener) => {
      hangup = listener;
    },
    stopRequested,
  }),
);

async function complain(thrown: unknown): Promise<void> {
  const { describeThrown } = await import('./monitoring/describe-thrown.ts');
  process.stderr.write(
    `nexus-mcp: another error while stopping: ${JSON.stringify(describeThrown(thrown))}\n`,
  );
}

function openStdio(): { readonly stdin: NodeJS.ReadStream; readonly stdout: NodeJS.WriteStream } {
  const { stdin, stdout } = process;
  neverWait(stdout);
  return { stdin, stdout };
}

/** A pipe or a socket for the log. Nobody reads it any more: that is no reason to stop. */
function openLog(fd: 1 | 2): NodeJS.WriteStream | undefined {
  const stream = fd === 1 ? process.stdout : process.stderr;
  if (stream.isTTY || !(stream instanceof Socket)) return undefined;
  stream.removeAllListeners('error').on('error', () => undefined);
  neverWait(stream);
  return stream;
}

/**
 * Lets an output take what its reader has not read yet: otherwise Node waits in a write to a pipe, and nothing else is done.
 * Node has no public name for this.
 */
function neverWait(output: NodeJS.WriteStream): void {
  (output as { _handle?: { setBlocking?: (blocking: boolean) => void } })._handle?.setBlocking?.(false);
}

/** Whether a version such as `v24.16.0` is below a bound such as `>=24.16`. */
function isOlder(version: string, bound: string): boolean {
  const numbers = (text: string): readonly number[] => (text.match(/\d+/g) ?? []).map(Number);
  const [major = 0, minor = 0] = numbers(version);
  const [least = 0, leastMinor = 0] = numbers(bound);
  return major < least || (major === least && minor < leastMinor);
}

function isReaderGone(error: NodeJS.ErrnoException): boolean {
  return error.code === 'EPIPE';
}

/** Explains why the process ends although nothing here ended it. */
function unplanned(): string {
  const { stack = '' } = new Error();
  const [, frames] = /\n *at process\.exit .*\n([^]*)/.exec(stack) ?? [];
  // Node ends the process when nothing is left that could settle an await. Its own warning points at this file.
  if (frames === undefined) return 'ends while it waits for something that never comes';
  const [, place = 'a tool module, most likely,'] = /(?:file:\/\/)?(\/[^\s()]+:\d+:\d+)/.exec(frames) ?? [];
  const advice = "\nWith isolation: 'worker' the call would end only its own thread.";
  return `${place} called process.exit\n${frames}${/\bhandler /.test(frames) ? advice : ''}`;
}
