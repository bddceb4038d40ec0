import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ask } from './http/raw-client.ts';
import { compiled } from './support/compile-cache.ts';
import { parseMetrics } from './support/metrics-text.ts';
import { MAIN } from './support/spawn-cli.ts';
import { waitFor } from './support/wait.ts';

// Each server is a process, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

let server: ChildProcess | undefined;
afterEach(() => server?.kill('SIGKILL'));

/** A server whose log is read until it is ready, and no further. */
async function startUnread(...args: string[]) {
  const child = spawn(process.execPath, [MAIN, '--server.port', '0', ...args], {
    env: compiled(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  server = child;
  let shown = '';
  child.stdout.on('data', (chunk: Buffer) => (shown += chunk.toString()));
  const port = await waitFor(() => {
    const [, found] = /"port":(\d+).*"msg":"ready"/.exec(shown) ?? [];
    expect(found, shown).toBeDefined();
    return Number(found);
  });
  child.stdout.pause();
  return { child, url: `http://127.0.0.1:${port}`, shown: () => shown };
}

describe('a log that nobody reads', () => {
  it('holds up no request, and its events come when it is read again', async () => {
    const { child, url, shown } = await startUnread(
      ...['--auth.token', 'a-token-0123456789abcdef', '--audit.enabled', 'true'],
    );
    const requests = 2000;
    for (let count = 0; count < requests; count += 1) expect((await ask(url, 'GET /tools')).status).toBe(401);
    expect((await ask(url, 'GET /livez')).status).toBe(200);
    const samples = parseMetrics(await (await fetch(`${url}/metrics`)).text());
    expect(samples.value('mcp_audit_events_total', { outcome: 'accepted' })).toBe(requests);
    child.stdout.resume();
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([0, null]);
    const events = shown()
      .split('\n')
      .filter((line) => line.includes('"event":"refused"'));
    expect(events).toHaveLength(requests);
    expect(shown()).toMatch(/"msg":"stopped"\}\n$/);
  });

  it('says when it is read again how many of its lines were lost', async () => {
    const { child, url, shown } = await startUnread(
      ...[
        '--log.level',
        'debug',
        '--log.results',
        'base64_encode',
        '--log.arguments',
        '{base64_encode: [text]}',
      ],
      ...['--limits.callsPerSecond', '0'],
    );
    const body = JSON.stringify({ tool_name: 'base64_encode', arguments: { text: 'x'.repeat(1000) } });
    const headers = { 'content-type': 'application/json' };
    const calls = 3800;
    for (let done = 0; done < calls; done += 20)
      await Promise.all(
        Array.from({ length: 20 }, async () =>
          (await fetch(`${url}/execute`, { method: 'POST', headers, body })).text(),
        ),
      );
    child.stdout.resume();
    const said = await waitFor(() => {
      const found = /"lines":(\d+),"msg":"lines of the log are lost/.exec(shown());
      expect(found, shown().slice(-500)).not.toBeNull();
      return Number(found?.[1]);
    });
    const logged = shown().split('"msg":"tool call"').length - 1;
    expect(logged + said).toBe(calls);
  });

  it('keeps the server from its end for some seconds at most', async () => {
    const { child, url } = await startUnread(
      ...['--auth.token', 'a-token-0123456789abcdef', '--audit.enabled', 'true'],
    );
    for (let count = 0; count < 1000; count += 1) await ask(url, 'GET /tools');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('and never will again ends nothing', async () => {
    const { child, url } = await startUnread('--log.level', 'debug');
    child.stdout.destroy();
    for (let count = 0; count < 10; count += 1)
      expect((await ask(url, 'GET /nothing-is-here')).status).toBe(404);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});
