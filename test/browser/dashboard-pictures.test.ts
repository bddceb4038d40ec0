import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import express, { type Express } from 'express';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { pictureDashboards } from '../../scripts/dashboard-pictures.ts';
import { launch } from './browser.ts';

interface Panel {
  readonly title: string;
  readonly gridPos: { readonly y: number; readonly h: number };
}

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

const panelsOf = (uid: string): readonly Panel[] =>
  (JSON.parse(readFileSync(`dashboards/${uid}.json`, 'utf8')) as { panels: Panel[] }).panels;

/** In place of Grafana, which not every machine can have: it has the two paths that are asked for, and the titles of panels where Grafana puts them. */
function standIn(asked: string[]): Express {
  const app = express();
  const times = new Map<string, number>();
  app.get('/api/dashboards/uid/:uid', ({ params: { uid } }, response) => {
    times.set(uid, (times.get(uid) ?? 0) + 1);
    // The file has not been read yet when it is asked for first.
    response.sendStatus(times.get(uid) === 1 ? 404 : 200);
  });
  app.get('/d/:uid', ({ params: { uid }, url }, response) => {
    asked.push(url);
    const panels = panelsOf(uid).map(
      ({ title, gridPos: { y, h } }) =>
        `<h2 style="position: absolute; top: ${38 * y}px; height: ${38 * h - 8}px">${title}</h2>`,
    );
    response.send(panels.join(''));
  });
  return app;
}

/** The size of a PNG, in pixels. */
function sizeOf(path: string): { readonly width: number; readonly height: number } {
  const bytes = readFileSync(path);
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

it('takes a picture of each dashboard, once it is there, with all of its panels in sight', async () => {
  const asked: string[] = [];
  const server = standIn(asked).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const pictures = await pictureDashboards(browser, url, mkdtempSync(join(tmpdir(), 'pictures-')));
  const uids = ['fleet', 'overview', 'runtime', 'tools'].map((name) => `nexus-mcp-${name}`);
  expect(pictures.map((path) => basename(path))).toEqual(uids.map((uid) => `${uid}.png`));
  expect(asked.sort()).toEqual(uids.map((uid) => `/d/${uid}?from=now-5m&to=now&theme=light&kiosk`));
  for (const [index, path] of pictures.entries()) {
    const { width, height } = sizeOf(path);
    const rows = Math.max(...panelsOf(uids[index] ?? '').map(({ gridPos: { y, h } }) => y + h));
    expect({ width, isWhole: height >= 38 * rows }).toEqual({ width: 1600, isWhole: true });
  }
});
