import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { inject } from 'vitest';
import { launchChromium } from './chromium.ts';

/** A page, and what its browser had to say of it. */
export interface OpenPage {
  readonly page: Page;
  /** Errors and violations of the content security policy; none, on a page that is right. */
  readonly complaints: readonly string[];
  close(): Promise<void>;
}

/** Starts the Chromium that the tests were given. */
export const launch = (): Promise<Browser> => launchChromium(inject('chromium'));

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
