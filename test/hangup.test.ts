import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { compiled } from './support/compile-cache.ts';
import { hold } from './support/hold.ts';
import { parseMetrics } from './support/metrics-text.ts';
import { startServer, type ServerProcess } from './support/server-process.ts';
import { MAIN } from './support/spawn-cli.ts';
import { FIXTURE_TOOLS } from './support/test-server.ts';
import { waitFor, waitUntil } from './support/wait.ts';

// Each server is a process, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const tokensFile = join(mkdtempSync(join(tmpdir(), 'tokens-')), 'tokens.yaml');
const write = (token: string): void => {
  writeFileSync(tokensFile, `- {name: ci, token: ${token}}\n`);
};
const OLD = 'old-token-0123456789abcdef';
const NEW = 'new-token-0123456789abcdef';

let server: Pick<ServerProcess, 'stop'> | undefined;
afterEach(() => server?.stop('SIGKILL'));

const statusOf = async ({ url }: ServerProcess, token: string): Promise<number> =>
  (await fetch(`${url}/tools`, { headers: { authorization: `Bearer ${token}` } })).status;

const executeHeld = async (url: string, args: object): Promise<unknown> => {
  const response = await fetch(`${url}/execute`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ tool_name: 'held', arguments: args }),
  });
  return ((await response.json()) as { result?: unknown }).result;
};

const isCalled = (url: string): Promise<void> =>
  waitFor(async () => {
    const samples = parseMetrics(await (await fetch(`${url}/metrics`)).text());
    expect(samples.value('mcp_tool_calls_in_flight', { tool_name: 'held' })).toBe(1);
  });

describe('SIGHUP', () => {
  it('has the token file read again at once, and ends nothing', async () => {
    write(OLD);
    const one = (server = await startServer({ args: ['--auth.tokensFile', tokensFile] }));
    expect([await statusOf(one, OLD), await statusOf(one, NEW)]).toEqual([200, 401]);
    write(NEW);
    one.signal('SIGHUP');
    await waitUntil(async () => (await statusOf(one, NEW)) === 200);
    expect(await statusOf(one, OLD)).toBe(401);

    one.signal('SIGHUP');
    await waitUntil(() => one.logs.some(({ msg }) => msg === 'token file has not changed'));
    write('short');
    // Whoever asks is answered, also when the answer is not new.
    for (const times of [1, 2]) {
      one.signal('SIGHUP');
      await waitUntil(() => one.logs.filter(({ level }) => level === 'error').length === times);
    }
    expect(await statusOf(one, NEW)).toBe(200);
    expect(await one.stop()).toBe(0);
  });

  it('has the audit file opened again, so that it can be moved away', async () => {
    const file = `${tokensFile}.audit`;
    const args = ['--audit.enabled', 'true', '--audit.file', file, '--tools.modules', FIXTURE_TOOLS];
    const one = (server = await startServer({ args }));
    const held = hold();
    held.letGo();
    await executeHeld(one.url, held.args);
    await waitUntil(() => readFileSync(file, 'utf8').includes('"tool":"held"'));
    renameSync(file, `${file}.1`);
    one.signal('SIGHUP');
    await waitUntil(() => existsSync(file));
    await executeHeld(one.url, held.args);
    await waitUntil(() => readFileSync(file, 'utf8').includes('"tool":"held"'));
    expect(one.logs.some(({ msg }) => String(msg).includes('nothing to read'))).toBe(false);
    expect(await one.stop()).toBe(0);
  });

  it('ends nothing where there is no token file, and says that there is nothing to read', async () => {
    const one = (server = await startServer());
    one.signal('SIGHUP');
    await waitUntil(() => one.logs.some(({ msg }) => String(msg).includes('nothing to read')));
    expect((await fetch(`${one.url}/readyz`)).status).toBe(200);
    expect(await one.stop()).toBe(0);
  });

  it('of a terminal that is closed stops the server in order', async () => {
    const command = `exec '${process.execPath}' '${MAIN}' --server.port 0 --tools.modules '${FIXTURE_TOOLS}'`;
    // It has a terminal of its own, which is gone when it is killed.
    const terminal = spawn('script', ['-qfec', command, '/dev/null'], {
      env: { ...process.env, ...compiled() },
    });
    server = { stop: (signal) => Promise.resolve(terminal.kill(signal) ? 0 : null) };
    let shown = '';
    terminal.stdout.on('data', (chunk: Buffer) => (shown += chunk.toString()));
    const port = await waitFor(() => {
      const [, found] = /"port":(\d+).*"msg":"ready"/.exec(shown) ?? [];
      expect(found, shown).toBeDefined();
      return Number(found);
    }, 60_000);
    const url = `http://127.0.0.1:${port}`;
    const held = hold();
    const call = executeHeld(url, held.args);
    await isCalled(url);
    terminal.kill('SIGKILL');
    held.letGo();
    expect(await call).toBe('done');
    await waitUntil(() =>
      fetch(`${url}/livez`).then(
        () => false,
        () => true,
      ),
    );
  });
});
