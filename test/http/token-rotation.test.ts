import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { waitUntil } from '../support/wait.ts';

const OLD = 'old-secret-token-0123456789';
const NEW = 'new-secret-token-0123456789';
const OTHER = 'other-secret-token-0123456789';
const entry = (name: string, token: string, tools = ''): string =>
  `- {name: ${name}, token: ${token}${tools}}\n`;

let server: TestServer;
let tokensFile: string;
const write = (content: string): void => {
  writeFileSync(tokensFile, content);
};

/** Half a minute passes, and no time at all. */
const passTime = (): void => {
  vi.advanceTimersByTime(30_000);
};

const bearer = (token: string): { authorization: string } => ({ authorization: `Bearer ${token}` });
const statusOf = async (token: string): Promise<number> =>
  (await server.execute('echo', { text: 'hi' }, { headers: bearer(token) })).status;
const isCurrent = async (): Promise<number | undefined> =>
  (await server.scrape()).value('mcp_token_file_current');
/** What the status page says of the file. */
const onThePage = async (): Promise<unknown> =>
  ((await (await fetch(server.url)).json()) as { readonly token_file?: unknown }).token_file;
const said = (level: string): Record<string, unknown>[] =>
  server.logs.filter((line) => line['level'] === level && String(line['msg']).includes('token file'));

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  tokensFile = join(mkdtempSync(join(tmpdir(), 'tokens-')), 'tokens.yaml');
});
const start = async (settings: Parameters<typeof startTestServer>[0] = {}): Promise<void> => {
  server = await startTestServer({ ...settings, auth: { tokensFile, ...settings['auth'] } });
};
afterEach(async () => {
  vi.useRealTimers();
  await server.stop();
  for (const secret of [OLD, NEW, OTHER, 'secret']) expect(JSON.stringify(server.logs)).not.toContain(secret);
});

describe('a token file that changes', () => {
  it('is read again within a minute: the old token is refused, the new one good', async () => {
    write(entry('ci', OLD));
    await start();
    expect([await statusOf(OLD), await statusOf(NEW)]).toEqual([200, 401]);
    write(entry('ci', NEW) + entry('more', OTHER));
    passTime();
    expect([await statusOf(OLD), await statusOf(NEW), await statusOf(OTHER)]).toEqual([401, 200, 200]);
    expect(said('info')).toEqual([expect.objectContaining({ tokens: 2 })]);
    expect(await isCurrent()).toBe(1);
  });

  it('is told to whoever audits, good or not', async () => {
    write(entry('ci', OLD));
    await start({ audit: { enabled: true } });
    write(entry('ci', NEW) + entry('more', OTHER));
    passTime();
    write('- nonsense');
    passTime();
    const changes = server.logs.filter(({ event }) => event === 'tokens_changed');
    expect(changes).toEqual([
      expect.objectContaining({ stream: 'audit', outcome: 'success', tokens: 2 }),
      expect.objectContaining({ stream: 'audit', outcome: 'error' }),
    ]);
  });

  it('leaves calls in flight to finish, also those of a token that is gone', async () => {
    write(entry('ci', OLD));
    await start();
    const held: ServerResponse[] = [];
    const site = createServer((_request, response) => held.push(response)).listen(0, '127.0.0.1');
    await waitUntil(() => site.listening);
    const url = `http://127.0.0.1:${(site.address() as AddressInfo).port}/`;
    const call = server.execute('fetches', { url }, { headers: bearer(OLD) });
    await waitUntil(() => held.length > 0);
    write(entry('other', NEW));
    passTime();
    expect(await statusOf(OLD)).toBe(401);
    held[0]?.end();
    expect(await call).toMatchObject({ status: 200, body: { status: 'success', result: 200 } });
    site.close();
  });

  it('takes away tools, and gives others', async () => {
    write(entry('ci', OLD, ', tools: [echo]'));
    await start();
    expect(await statusOf(OLD)).toBe(200);
    write(entry('ci', OLD, ', tools: [add]'));
    passTime();
    expect(await statusOf(OLD)).toBe(404);
    const sum = await server.execute('add', { a: 1, b: 2 }, { headers: bearer(OLD) });
    expect(sum.status).toBe(200);
  });

  it('keeps a session for a new token of the same name, and for nobody when the name is gone', async () => {
    write(entry('ci', OLD));
    await start();
    const post = async (token: string, message: object, headers: Record<string, string> = {}) => {
      const response = await fetch(`${server.url}/mcp`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...bearer(token),
          ...headers,
        },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...message }),
      });
      await response.text();
      return response;
    };
    const opened = await post(OLD, {
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } },
    });
    const session = {
      'mcp-session-id': opened.headers.get('mcp-session-id') ?? '',
      'mcp-protocol-version': '2025-11-25',
    };
    const list = async (token: string): Promise<number> =>
      (await post(token, { method: 'tools/list' }, session)).status;
    expect(await list(OLD)).toBe(200);
    write(entry('ci', NEW));
    passTime();
    expect([await list(OLD), await list(NEW)]).toEqual([401, 200]);
    write(entry('other', OTHER));
    passTime();
    expect([await list(NEW), await list(OTHER)]).toEqual([401, 404]);
  });

  it('may be a link that is turned to another directory, as Kubernetes does', async () => {
    const volume = mkdtempSync(join(tmpdir(), 'tokens-'));
    const turnTo = (version: string, content: string): void => {
      mkdirSync(join(volume, version));
      writeFileSync(join(volume, version, 'tokens.yaml'), content);
      symlinkSync(version, join(volume, '..data_tmp'));
      renameSync(join(volume, '..data_tmp'), join(volume, '..data'));
    };
    turnTo('..1', entry('ci', OLD));
    tokensFile = join(volume, 'tokens.yaml');
    symlinkSync('..data/tokens.yaml', tokensFile);
    await start();
    turnTo('..2', entry('ci', NEW));
    passTime();
    expect([await statusOf(OLD), await statusOf(NEW)]).toEqual([401, 200]);
  });
});

describe('a token file that does not change', () => {
  it('is left alone', async () => {
    write(entry('ci', OLD));
    await start();
    for (let times = 0; times < 5; times += 1) passTime();
    expect(await statusOf(OLD)).toBe(200);
    expect([...said('info'), ...said('error')]).toEqual([]);
    expect(await isCurrent()).toBe(1);
  });
});

describe('a new token file that is no good', () => {
  it.each([
    [
      'cannot be parsed',
      () => {
        write(entry('ci', `"${NEW}`));
      },
      /not valid YAML/,
    ],
    [
      'has no token',
      () => {
        write('[]\n');
      },
      /tokens\.yaml/,
    ],
    [
      'is empty, as one that is being written',
      () => {
        write('');
      },
      /tokens\.yaml/,
    ],
    [
      'is gone',
      () => {
        rmSync(tokensFile);
      },
      /ENOENT/,
    ],
    [
      'names no tool that there is',
      () => {
        write(entry('ci', NEW, ', tools: [ad]'));
      },
      /tools of ci: there is no tool or toolset ad/,
    ],
    [
      'has a token twice',
      () => {
        write(entry('a', NEW) + entry('b', NEW));
      },
      /same token/,
    ],
    [
      'has the name of auth.token',
      () => {
        write(entry('default', NEW));
      },
      /the name default stands twice/,
    ],
    [
      'is a directory',
      () => {
        rmSync(tokensFile);
        mkdirSync(tokensFile);
      },
      /EISDIR/,
    ],
    [
      'is a pipe, into which nobody may ever write',
      () => {
        rmSync(tokensFile);
        execFileSync('mkfifo', [tokensFile]);
      },
      /no file that can be read again/,
    ],
  ])('that %s leaves the old tokens in effect, and is complained of once', async (_what, spoil, says) => {
    write(entry('ci', OLD));
    await start({ auth: { token: OTHER } });
    spoil();
    for (let times = 0; times < 3; times += 1) passTime();
    expect([await statusOf(OLD), await statusOf(OTHER), await statusOf(NEW)]).toEqual([200, 200, 401]);
    expect(await isCurrent()).toBe(0);
    expect(said('error')).toEqual([expect.objectContaining({ problems: [expect.stringMatching(says)] })]);
  });

  it('is complained of again when it has changed, and is over when it is mended', async () => {
    write(entry('ci', OLD));
    await start();
    for (const content of ['- {', '- {name: ci', entry('ci', 'short')]) {
      write(content);
      passTime();
      passTime();
    }
    expect(said('error')).toHaveLength(3);
    expect([await statusOf(OLD), await isCurrent()]).toEqual([200, 0]);
    expect(await onThePage()).toEqual({ current: false, stale_seconds: expect.any(Number) as number });
    write(entry('ci', NEW));
    passTime();
    expect([await statusOf(OLD), await statusOf(NEW), await isCurrent()]).toEqual([401, 200, 1]);
    expect(said('error')).toHaveLength(3);
    expect(await onThePage()).toEqual({ current: true, stale_seconds: 0 });
  });

  it('is over too when it is again what it was', async () => {
    write(entry('ci', OLD));
    await start();
    rmSync(tokensFile);
    passTime();
    expect(await isCurrent()).toBe(0);
    write(entry('ci', OLD));
    passTime();
    expect([await statusOf(OLD), await isCurrent()]).toEqual([200, 1]);
  });
});

it('a token file that is a pipe is read at the start alone', async () => {
  execFileSync('mkfifo', [tokensFile]);
  const writing = spawn('sh', ['-c', 'printf "%s" "$0" > "$1"', entry('ci', OLD), tokensFile]);
  await start();
  passTime();
  expect(await statusOf(OLD)).toBe(200);
  expect([...said('info'), ...said('error'), await isCurrent()]).toEqual([undefined]);
  writing.kill();
});

it('without a token file, nothing is said of one', async () => {
  server = await startTestServer({ auth: { token: OTHER } });
  expect(await (await fetch(`${server.url}/metrics`)).text()).not.toMatch(/^mcp_token_file_current\b/m);
  expect(await onThePage()).toBeUndefined();
});
