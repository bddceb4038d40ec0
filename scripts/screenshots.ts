/** Takes the picture of the README: the status page, in Chromium, of a server with something wrong. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import express from 'express';
import { statusPage } from '../src/http/status-page.ts';
import { launchChromium } from '../test/browser/chromium.ts';
import { picturedStatus, sourcesOfPicture } from '../test/browser/pictured-status.ts';

const ENSURE_CHROMIUM = fileURLToPath(new URL('ensure-chromium.sh', import.meta.url));

const chromium = execFileSync('sh', [ENSURE_CHROMIUM], { stdio: ['ignore', 'pipe', 'inherit'] });
const app = express();
app.get('/', statusPage(picturedStatus).serve);
const server = app.listen(0, '127.0.0.1');
await once(server, 'listening');
const browser = await launchChromium(chromium.toString().trim());
try {
  const page = await browser.newPage({
    viewport: { width: 1000, height: 560 },
    colorScheme: 'light',
    timezoneId: 'UTC',
    locale: 'en-GB',
  });
  await page.clock.setFixedTime('2026-07-28T09:30:00Z');
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await page.getByRole('row').first().waitFor();
  await page.screenshot({ path: 'docs/status-page.png', fullPage: true });
} finally {
  await browser.close();
  server.closeAllConnections();
  server.close();
}
writeFileSync('docs/status-page.json', `{ "sources": "${sourcesOfPicture()}" }\n`);
