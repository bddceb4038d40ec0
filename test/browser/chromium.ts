import process from 'node:process';
import { chromium, type Browser } from 'playwright-core';

const QUIET = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts a Chromium, with a profile of its own. */
export const launchChromium = (executablePath: string): Promise<Browser> =>
  chromium.launch({
    executablePath,
    // Chromium's sandbox refuses to run as root, as containers do.
    chromiumSandbox: process.getuid?.() !== 0,
    args: QUIET,
  });
