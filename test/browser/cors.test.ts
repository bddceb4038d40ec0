import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { call, initialize } from '../support/raw-session.ts';
import { startSite } from '../support/site.ts';
import { startTestServer } from '../support/test-server.ts';
import { launch } from './browser.ts';

const TOKEN = 'a-token-0123456789abcdef';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

it('a page of an allowed origin is a client with a session and a token, and one of another origin is none', async () => {
  const [allowed, other] = await Promise.all(
    ['allowed', 'other'].map(() =>
      startSite((_request, response) =>
        response.setHeader('content-type', 'text/html').end('<title>page</title>'),
      ),
    ),
  );
  const origin = allowed?.url ?? '';
  const server = await startTestServer({ server: { allowedOrigins: [origin] }, auth: { token: TOKEN } });
  /** What a page of a site gets to see of a request to the server. */
  const from = async (site: string, message: object, headers: Record<string, string>) => {
    const page = await browser.newPage();
    await page.goto(site);
    const seen = await page.evaluate(
      async ({ url, body, sent }) => {
        try {
          const answer = await fetch(url, { method: 'POST', headers: sent, body });
          return {
            status: answer.status,
            session: answer.headers.get('mcp-session-id'),
            challenge: answer.headers.get('www-authenticate'),
            text: await answer.text(),
          };
        } catch (error) {
          return String(error);
        }
      },
      {
        url: `${server.url}/mcp`,
        body: JSON.stringify(message),
        sent: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...headers,
        },
      },
    );
    await page.close();
    return seen;
  };
  const authorization = `Bearer ${TOKEN}`;
  const opened = await from(origin, initialize(), { authorization });
  expect(opened).toMatchObject({ status: 200, session: expect.any(String) as unknown });
  const session = typeof opened === 'string' ? '' : (opened.session ?? '');
  const inSession = { authorization, 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' };
  const called = await from(origin, call(2, 'echo', { text: 'from a page' }), inSession);
  expect(called).toMatchObject({ status: 200, text: expect.stringContaining('from a page') as unknown });
  const refused = await from(origin, initialize(), {});
  expect(refused).toMatchObject({ status: 401, challenge: expect.stringContaining('Bearer') as unknown });
  expect(await from(other?.url ?? '', initialize(), { authorization })).toBe('TypeError: Failed to fetch');
  await server.stop();
});
