import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadSettings } from '../../src/config/load.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { ask, sendBytes } from './raw-client.ts';

/** Tools, because they are no probe: those answer whatever the Host. */
const LINE = 'GET /tools';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    server: {
      allowedHosts: ['MCP.Example.com.', '*.Agents.Example.', 'bücher.example', '2001:DB8:0::1'],
      allowedOrigins: [
        'HTTPS://App.Example.com:443/',
        'http://plain.example.:80',
        'https://[2001:db8:0:0::2]:8443',
        'vscode-webview://Panel',
        'null',
      ],
    },
    ops: { port: 0 },
  });
});
afterAll(() => server.stop());

const statusOf = async (headers: Record<string, string | undefined>, line = LINE): Promise<number> =>
  (await ask(server.url, line, headers)).status;

describe('a Host is compared as a name', () => {
  it.each([
    'mcp.example.com.',
    'MCP.example.COM.:8443',
    'a.agents.example.',
    'localhost.',
    'LOCALHOST.:9999',
    'xn--bcher-kva.example',
    '[2001:db8::1]',
    '[2001:0DB8:0:0:0:0:0:1]:443',
  ])('%s is ours', async (host) => {
    expect(await statusOf({ host })).toBe(200);
  });

  it.each([
    'mcp.example.com..',
    'agents.example.',
    'mcp.example.com/evil',
    'evil@mcp.example.com',
    'evil@localhost',
    'localhost/evil',
    'localhost#',
    'localhost?a',
    'local\thost',
    'localhost:99999',
    'localhost:port',
  ])('%j is not', async (host) => {
    expect(await statusOf({ host })).toBe(403);
  });
});

describe('an Origin is compared as scheme, name and port', () => {
  it.each([
    'https://app.example.com',
    'https://app.example.com:443',
    'https://APP.example.com',
    'https://app.example.com.',
    'http://plain.example',
    'https://[2001:db8::2]:8443',
    'vscode-webview://panel',
    'null',
    'http://localhost.:3000',
    'http://[0:0:0:0:0:0:0:1]:3000',
    'http://[::ffff:127.0.0.1]:3000',
    'http://127.0.0.2:3000',
  ])('%s passes', async (origin) => {
    expect(await statusOf({ origin })).toBe(200);
  });

  it.each([
    'http://app.example.com',
    'https://app.example.com:8443',
    'https://app.example.com/path',
    'https://x@app.example.com',
    'https://plain.example',
    'vscode-webview://other',
    'http://127.0.0.1.evil.example',
  ])('%s does not', async (origin) => {
    expect(await statusOf({ origin })).toBe(403);
  });
});

describe('a page of the origin that it asks', () => {
  it.each([
    ['https://mcp.example.com', 'mcp.example.com'],
    ['https://mcp.example.com', 'MCP.example.com.:443'],
    ['http://mcp.example.com', 'mcp.example.com:80'],
    ['https://mcp.example.com:8443', 'mcp.example.com:8443'],
    ['http://10.1.2.3:9999', '10.1.2.3:9999'],
    ['http://[2001:db8::5]', '[2001:DB8:0::5]'],
  ])('is no foreign one: %s asks %s', async (origin, host) => {
    expect(await statusOf({ origin, host })).toBe(200);
  });

  it.each([
    ['https://mcp.example.com', 'mcp.example.com:8443'],
    ['https://mcp.example.com:8443', 'mcp.example.com'],
    ['http://10.1.2.3:8080', '10.1.2.3:9999'],
    ['https://a.agents.example', 'b.agents.example'],
    ['http://evil.example', 'evil.example'],
  ])(
    'is a foreign one where port or name differ, or the name is not ours: %s asks %s',
    async (origin, host) => {
      expect(await statusOf({ origin, host })).toBe(403);
    },
  );
});

describe.each(['/livez', '/healthz', '/readyz'])('the probe %s', (path) => {
  let bare: TestServer;
  beforeAll(async () => {
    bare = await startTestServer();
  });
  afterAll(() => bare.stop());

  it('answers whatever the Host, and HTTP/1.0 without one', async () => {
    for (const host of ['evil.example', 'a b', '', '*'])
      expect((await ask(bare.url, `GET ${path}`, { host })).status, host).toBe(200);
    expect((await ask(bare.url, `GET ${path}`, { origin: 'https://evil.example' })).status).toBe(200);
    expect((await sendBytes(bare.url, `GET ${path} HTTP/1.0\r\n\r\n`)).status).toBe(200);
  });

  it('gives nobody what the guard keeps from others', async () => {
    const { status } = await ask(bare.url, `POST ${path}`, { host: 'evil.example' });
    expect(status).toBe(405);
  });
});

it.each(['/metrics', '/tools', '/'])('what is no probe does not: %s', async (path) => {
  const bare = await startTestServer();
  try {
    expect((await ask(bare.url, `GET ${path}`, { host: 'evil.example' })).status).toBe(403);
    expect((await sendBytes(bare.url, `GET ${path} HTTP/1.0\r\n\r\n`)).status).toBe(403);
  } finally {
    await bare.stop();
  }
});

describe('a request', () => {
  const ports = ['main', 'operations'] as const;
  const urlOf = (port: (typeof ports)[number]): string =>
    port === 'main' ? server.url : (server.opsUrl ?? '');

  it.each(
    ports.flatMap((port) => ['/livez', '/metrics', '/mcp', '/nothing'].map((path) => [port, path] as const)),
  )('to the %s port is malformed with two Host headers, or with none in HTTP/1.1: %s', async (port, path) => {
    const twice = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
    expect((await sendBytes(urlOf(port), twice)).status).toBe(400);
    const other = twice.replace('localhost', 'evil.example').replace('HTTP/1.1', 'HTTP/1.0');
    expect((await sendBytes(urlOf(port), other)).status).toBe(400);
    expect((await ask(urlOf(port), `GET ${path}`, { host: undefined })).status).toBe(400);
  });
});

describe('a setting that could never match', () => {
  const problemsOf = (name: string, value: string): readonly string[] => {
    const loaded = loadSettings({ env: {}, flags: { [`server.${name}`]: value }, directory: '.' });
    return loaded.ok ? [] : loaded.problems;
  };

  it.each([
    ['https://mcp.example.com', 'mcp.example.com'],
    ['https://MCP.example.com:8443/mcp', 'mcp.example.com'],
    ['mcp.example.com:443', 'mcp.example.com'],
    ['localhost:9999', 'localhost'],
    ['[::1]:9999', '[::1]'],
    ['mcp.example.com/', 'mcp.example.com'],
    ['mcp.example.com/mcp', 'mcp.example.com'],
    ['.example.com', '*.example.com'],
    ['*example.com', '*.example.com'],
    ['https://*.example.com', '*.example.com'],
    ['*.example.com:443', '*.example.com'],
    ['a.*.example.com', undefined],
    ['*.*', undefined],
    ['*.10.1.2.3', undefined],
    ['mcp example', undefined],
    ['user@mcp.example.com', undefined],
  ])('as a host is refused with the right spelling: %s', (value, spelling) => {
    const [problem, ...others] = problemsOf('allowedHosts', value);
    expect(others).toEqual([]);
    expect(problem).toContain('server.allowedHosts.0 (from --server.allowedHosts): ');
    expect(problem).toContain(value);
    if (spelling !== undefined) expect(problem?.split('write ')[1]).toBe(spelling);
  });

  it.each([
    ['app.example.com', 'https://app.example.com'],
    ['app.example.com:8443', 'https://app.example.com:8443'],
    ['https://App.example.com/path', 'https://app.example.com'],
    ['https://app.example.com:443/?a=b', 'https://app.example.com'],
    ['https://user@app.example.com', 'https://app.example.com'],
    ['*', undefined],
    ['https://*.example.com', undefined],
    ['https://', undefined],
    ['file:///home/page.html', 'null'],
  ])('as an origin is refused with the right spelling: %s', (value, spelling) => {
    const [problem, ...others] = problemsOf('allowedOrigins', value);
    expect(others).toEqual([]);
    expect(problem).toContain('server.allowedOrigins.0 (from --server.allowedOrigins): ');
    expect(problem).toContain(value);
    if (spelling !== undefined) expect(problem?.split('write ')[1]).toBe(spelling);
  });

  it('is put right where it can mean one thing only', () => {
    const flags = {
      'server.allowedHosts': 'MCP.Example.com.,*.Agents.example,*,::1,BÜCHER.example,10.1.2.3',
      'server.allowedOrigins':
        'HTTPS://App.example.com:443/,http://h.:80,null,tauri://LocalHost,http://[0::1]:5173',
    };
    const loaded = loadSettings({ env: {}, flags, directory: '.' });
    expect(loaded).toMatchObject({
      settings: {
        server: {
          allowedHosts: [
            'mcp.example.com',
            '*.agents.example',
            '*',
            '[::1]',
            'xn--bcher-kva.example',
            '10.1.2.3',
          ],
          allowedOrigins: [
            'https://app.example.com',
            'http://h',
            'null',
            'tauri://localhost',
            'http://[::1]:5173',
          ],
        },
      },
    });
  });
});
