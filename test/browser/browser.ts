import process from 'node:process';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { inject } from 'vitest';

/** A page, and what its browser had to say of it. */
export interface OpenPage {
  readonly page: Page;
  /** Errors and violations of the content security policy; none, on a page that is right. */
  readonly complaints: readonly string[];
  close(): Promise<void>;
}

const QUIET = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts a Chromium of its own, with a profile of its own. */
export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: inject('chromium'),
    // Chromium's sandbox refuses to run as root, as containers do.
    chromiumSandbox: process.getuid?.() !== 0,
    args: QUIET,
  });
}

/** Opens a page as a person of these preferences would see it. */
export async function open(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<OpenPage> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  await page.goto(url);
  return { page, complaints, close: () => context.close() };
}
