#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { run } from './cli/run.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const stopRequested = new Promise<string | Error>((resolve) => {
  let asked = false;
  const stop = (why: string | Error): void => {
    // Who asks twice does not want to wait.
    if (asked) process.exit(1);
    asked = true;
    resolve(why);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('uncaughtException', stop);
});

process.exit(
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
