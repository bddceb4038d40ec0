import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Status } from '../../src/http/status-page/status.ts';
import { startServer } from '../support/server-process.ts';
import { FIXTURE_TOOLS, startTestServer, type TestServer } from '../support/test-server.ts';
import { launch, open, type OpenPage } from './browser.ts';

let browser: Browser;
let server: TestServer | undefined;
let shown: OpenPage | undefined;

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());
afterEach(async () => {
  await shown?.close();
  await server?.stop();
  shown = server = undefined;
});

const headline = (page: Page) => page.getByRole('heading', { level: 1 });
const textOf = (page: Page, id: string): Promise<string | null> => page.locator(`#${id}`).textContent();

async function times(count: number, tool: string, args: unknown = {}): Promise<void> {
  for (let call = 0; call < count; call += 1) await server?.execute(tool, args);
}

/** The cells of a tool's row, as a person reads them. */
const row = (page: Page, tool: string): Promise<string[]> =>
  page
    .getByRole('row')
    .filter({ has: page.getByRole('rowheader', { name: tool, exact: true }) })
    .locator('th, td')
    .allTextContents();

async function show(url: string, options = {}): Promise<Page> {
  shown = await open(browser, url, options);
  await expect.poll(() => shown?.page.locator('#brand').textContent()).toMatch(/nexus-mcp \d/);
  return shown.page;
}

describe('the status page', () => {
  it('says how many upstreams were found in Kubernetes, and how long ago, where some are looked for', async () => {
    server = await startTestServer({ discovery: { enabled: true } });
    const page = await show(server.url);
    await expect
      .poll(() => page.locator('#facts').textContent())
      .toMatch(/Found in Kubernetes0 upstreams, looked up \d+ s ago/);
  });

  it('says which upstreams are not up, since when and why, and has no such table where there are none', async () => {
    server = await startTestServer({ upstreams: [{ name: 'away', url: 'http://127.0.0.1:1/mcp' }] });
    const page = await show(server.url);
    await expect.poll(() => headline(page).textContent()).toContain('Upstream away is down');
    const since = expect.stringMatching(/^\d+ (s|min)$/) as string;
    expect(await row(page, 'away')).toEqual(['away', 'down', since, '0', '0', 'connection refused']);
    expect(await page.locator('#upstreams').isVisible()).toBe(true);
    await shown?.close();
    await server.stop();

    server = await startTestServer();
    const without = await show(server.url);
    expect(await without.locator('#upstreams').isVisible()).toBe(false);
  });

  it('follows what happens without being loaded again: well, failing, and which tool and why', async () => {
    server = await startTestServer();
    await times(2, 'echo', { text: 'hi' });
    const page = await show(server.url);
    expect(await headline(page).textContent()).toContain('Nothing is wrong');
    const time = expect.stringMatching(/^(< )?[\d.]+ m?s$/) as string;
    expect(await row(page, 'echo')).toEqual(['echo', '2', '0', time, time, '']);

    await times(6, 'hangs');
    await expect.poll(() => headline(page).textContent()).toContain('hangs is failing: timeout');
    expect(await page.title()).toBe('hangs is failing: timeout – nexus-mcp');
    // The page may have asked when there were five.
    await expect.poll(async () => (await row(page, 'hangs')).at(-1)).toBe('6 timeout');
    const names = await page.getByRole('rowheader').allTextContents();
    expect(names[0]).toBe('hangs');
    expect(await textOf(page, 'detail')).toContain('the deadline of the call passed');
    expect(shown?.complaints).toEqual([]);
  });

  it('says what runs now, sessions and refused credentials', async () => {
    server = await startTestServer({ auth: { token: 'a-long-enough-token' } });
    await fetch(`${server.url}/tools`);
    const page = await show(server.url);
    expect(await textOf(page, 'facts')).toMatch(/Sessions0 of 1,000/);
    expect(await textOf(page, 'facts')).toMatch(/Refused credentials1/);
  });

  it('keeps its title true while it is in the background', async () => {
    server = await startTestServer();
    shown = await open(browser, 'about:blank');
    const { page } = shown;
    await page.clock.install();
    await page.addInitScript("Object.defineProperty(document, 'hidden', { get: () => true })");
    await page.goto(server.url);
    await expect.poll(() => page.title()).toBe('Nothing is wrong – nexus-mcp');
    await times(6, 'unreachable');
    await expect
      .poll(async () => {
        await page.clock.runFor(30_000);
        return page.title();
      })
      .toBe('unreachable is failing: unavailable – nexus-mcp');
  });

  it('says that the server went away, keeps what was last seen, and recovers', async () => {
    const first = await startServer({ args: ['--tools.modules', FIXTURE_TOOLS] });
    const page = await show(first.url);
    await first.stop('SIGKILL');
    await expect.poll(() => headline(page).textContent()).toContain('The server does not answer');
    expect(await textOf(page, 'detail')).toMatch(/cannot be reached.*from \d+ s ago/);
    expect(await page.locator('#facts').isVisible()).toBe(true);
    const second = await startServer({ args: ['--server.port', String(first.port)] });
    await expect.poll(() => headline(page).textContent()).toContain('Nothing is wrong');
    await second.stop();
  });

  it('says that the server is shutting down', async () => {
    server = await startTestServer({ shutdown: { delaySeconds: 10 } });
    const page = await show(server.url);
    const stopped = server.stop();
    await expect.poll(() => headline(page).textContent()).toContain('Shutting down');
    await shown?.close();
    await stopped;
  });

  it.each([
    ['metrics are off', { metrics: { enabled: false } }, /metrics\.enabled/],
    ['the metrics are at the operations port', { ops: { port: 0 } }, /ops\.port/],
  ])('says why it shows no calls when %s', async (_when, settings, says) => {
    server = await startTestServer(settings);
    const page = await show(server.url);
    expect(await headline(page).textContent()).toContain('Ready');
    expect(await textOf(page, 'detail')).toMatch(says);
    expect(await page.locator('#table').isVisible()).toBe(false);
    expect(shown?.complaints).toEqual([]);
  });

  it('works without scraping, and says that Prometheus cannot', async () => {
    server = await startTestServer({ metrics: { endpoint: false } });
    await times(1, 'echo', { text: 'hi' });
    const page = await show(server.url);
    expect((await row(page, 'echo'))[1]).toBe('1');
    expect(await textOf(page, 'facts')).toContain('cannot scrape (metrics.endpoint)');
  });

  it('is on the operations port, where the metrics are', async () => {
    server = await startTestServer({ ops: { port: 0 } });
    await times(1, 'echo', { text: 'hi' });
    const page = await show(String(server.opsUrl));
    expect((await row(page, 'echo'))[1]).toBe('1');
  });

  it('asks for a token where one is needed, by keyboard alone, and sends it nowhere else', async () => {
    const token = 'a-long-enough-token';
    server = await startTestServer({ auth: { token }, metrics: { needToken: true } });
    shown = await open(browser, server.url);
    const { page } = shown;
    await expect.poll(() => headline(page).textContent()).toContain('A token is needed');
    await page.keyboard.press('Tab');
    await page.keyboard.type('wrong-token');
    await page.keyboard.press('Enter');
    await expect.poll(() => headline(page).textContent()).toContain('This token is not known');
    const field = page.getByLabel('Bearer token');
    expect(await field.getAttribute('aria-invalid')).toBe('true');
    expect(await field.getAttribute('aria-describedby')).toBe('detail');
    expect(await textOf(page, 'detail')).toContain('auth.token');
    await field.fill(token);
    await page.keyboard.press('Enter');
    await expect.poll(() => headline(page).textContent()).toContain('Nothing is wrong');
    // The field that had the focus is gone; a screen reader goes on at the answer.
    expect(await page.evaluate('document.activeElement.tagName')).toBe('H1');
    expect(page.url()).not.toContain(token);
    expect(await page.evaluate('localStorage.length + sessionStorage.length')).toBe(0);
    expect(await page.evaluate('document.cookie')).toBe('');
  });

  it('takes every text from the server as text', async () => {
    server = await startTestServer();
    await times(1, 'echo', { text: 'hi' });
    const markup = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
    shown = await open(browser, 'about:blank');
    const { page } = shown;
    await page.route('**/', async (route) => {
      const response = await route.fetch();
      if (response.headers()['content-type']?.includes('json') !== true) return route.fulfill({ response });
      const status = (await response.json()) as Status;
      const tools = status.activity?.tools.map((tool) => ({ ...tool, name: `${markup}${tool.name}` }));
      const verdict = { level: 'bad', headline: markup, detail: markup };
      return route.fulfill({
        json: { ...status, version: markup, verdict, activity: { ...status.activity, tools } },
      });
    });
    await page.goto(server.url);
    await expect.poll(() => headline(page).textContent()).toContain(markup);
    expect(await page.getByRole('rowheader').allTextContents()).toEqual([`${markup}echo`]);
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.locator('script').count()).toBe(1);
    expect(await page.title()).toContain(markup);
  });

  it('holds 300 tools', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'nexus-mcp-'));
    const module = join(directory, 'many.ts');
    writeFileSync(
      module,
      `import { defineTool, z } from 'nexus-mcp/tools';
       export default Array.from({ length: 300 }, (_, index) => defineTool({
         name: 'tool_number_' + index, title: 'T', description: 'A tool.', input: z.strictObject({}), output: z.number(),
         annotations: { readOnly: true, idempotent: true, openWorld: false }, handler: () => index,
       }));`,
    );
    server = await startTestServer({ tools: { modules: [module] } });
    await Promise.all(Array.from({ length: 200 }, (_, index) => times(1, `tool_number_${index}`)));
    const page = await show(server.url);
    expect(await page.getByRole('rowheader').count()).toBe(200);
    await page.locator('#idle summary').focus();
    await page.keyboard.press('Enter');
    expect(await page.getByRole('listitem').filter({ hasText: 'tool_number_299' }).isVisible()).toBe(true);
    // It stays open, and the table stays, while the numbers move.
    const first = await page.getByRole('rowheader', { name: 'tool_number_7', exact: true }).elementHandle();
    await times(1, 'tool_number_7');
    await expect.poll(async () => (await row(page, 'tool_number_7'))[1]).toBe('2');
    expect(await first.isVisible()).toBe(true);
    expect(await page.locator('#idle').getAttribute('open')).not.toBeNull();
    rmSync(directory, { recursive: true });
  });
});

describe('the look of the status page', () => {
  const VIEWS = [
    ['light', { colorScheme: 'light', viewport: { width: 1100, height: 900 } }],
    ['dark', { colorScheme: 'dark', viewport: { width: 1100, height: 900 } }],
    ['a phone', { colorScheme: 'light', viewport: { width: 360, height: 740 } }],
  ] as const;

  it.each(VIEWS)('in %s: text can be read, and nothing sticks out', async (_view, options) => {
    server = await startTestServer();
    await times(6, 'hangs');
    await times(1, 'throws');
    await times(2, 'fails');
    await times(12, 'current_timestamp');
    const page = await show(server.url, options);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(options.viewport.width);
    expect(await page.evaluate(LOW_CONTRAST)).toEqual([]);
    expect(await page.evaluate(OVERLAPPING_CELLS)).toEqual([]);
    await expect(page.getByRole('columnheader').allTextContents()).resolves.toContain('Calls');
    const tableRows = page.getByRole('table').getByRole('row');
    expect(await tableRows.count()).toBe(5);
    for (const each of await tableRows.all()) {
      const cells = each.getByRole('columnheader').or(each.getByRole('rowheader')).or(each.getByRole('cell'));
      expect(await cells.count(), (await each.textContent()) ?? '').toBe(6);
    }
  });
});

/** Texts whose contrast with the page is below 4.5 to 1 (WCAG 2.2, success criterion 1.4.3). */
const LOW_CONTRAST = `(() => {
  const parse = (color) => color.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const luminance = (color) => {
    const [r, g, b] = parse(color).map((c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = luminance(getComputedStyle(document.body).backgroundColor);
  const low = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== '');
    if (!own || !element.checkVisibility() || element.id === 'mark') continue;
    const ink = luminance(getComputedStyle(element).color);
    const ratio = (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
    if (ratio < 4.5) low.push(element.textContent.trim() + ': ' + ratio.toFixed(2));
  }
  return low;
})()`;

/** Cells of the table that lie over each other or whose text leaves them. */
const OVERLAPPING_CELLS = `[...document.querySelectorAll('tr')].flatMap((row) => {
  // A cell of one pixel is for screen readers alone.
  const cells = [...row.cells].filter((cell) => cell.checkVisibility() && cell.clientWidth > 1);
  const texts = cells.map((cell) => { const range = document.createRange(); range.selectNodeContents(cell); return range.getBoundingClientRect(); });
  return cells.filter((cell, index) => texts.some((other, at) => at > index && other.width > 0 && texts[index].width > 0
    && other.left < texts[index].right + 4 && texts[index].left < other.right && other.top < texts[index].bottom && texts[index].top < other.bottom))
    .map((cell) => cell.textContent);
})`;
