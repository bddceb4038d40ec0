import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { adviceOn } from '../../src/cli/listen-advice.ts';
import { run } from '../../src/cli/run.ts';
import { settingsSchema } from '../../src/config/settings.ts';

/** Runs `nexus-mcp`, which cannot listen. */
async function start(flags: Readonly<Record<string, string>>): Promise<string> {
  let stderr = '';
  const code = await run({
    argv: [
      'serve',
      ...Object.entries({ 'log.level': 'silent', ...flags }).flatMap(([name, value]) => [`--${name}`, value]),
    ],
    env: {},
    directory: '.',
    version: '0.0.0',
    now: () => performance.now() / 1000,
    unixTime: () => Date.now() / 1000,
    stdout: { write: () => true },
    stderr: { write: (text: string) => (stderr += text) },
    stopRequested: new Promise(() => undefined),
  });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^nexus-mcp: cannot listen: [^\n]*\n$/);
  return stderr;
}

async function takenPort(): Promise<{ readonly port: string; readonly close: () => void }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: String((server.address() as AddressInfo).port), close: () => server.close() };
}

describe('a host that cannot be listened on', () => {
  it.each([
    ['an address of another machine', '192.0.2.1', /EADDRNOTAVAIL/],
    ['a name that there is not', 'no-such-host.invalid', /ENOTFOUND|EAI_AGAIN/],
  ])('is advised about hosts, not about ports: %s', async (_what, host, code) => {
    const main = await start({ 'server.host': host, 'server.port': '0' });
    expect(main).toMatch(code);
    expect(main).toMatch(
      /set server\.host to an address of this machine, such as 0\.0\.0\.0 or :: for all$/m,
    );
    const ops = await start({ 'server.port': '0', 'ops.port': '0', 'ops.host': host });
    expect(ops).toMatch(/set ops\.host to an address of this machine/);
    const both = await start({ 'server.host': host, 'server.port': '0', 'ops.port': '0' });
    expect(both).toMatch(/set server\.host to an address of this machine/);
  });

  it('is advised so where the machine has no addresses of the kind', () => {
    const { server, ops } = settingsSchema.parse({ server: { host: '::' } });
    const error = Object.assign(new Error('listen EAFNOSUPPORT ::'), { code: 'EAFNOSUPPORT', address: '::' });
    expect(adviceOn(error, { server, ops })).toMatch(/^set server\.host to an address of this machine/);
  });
});

describe('a port that cannot be listened on', () => {
  it('and is taken is advised about that port', async () => {
    const { port, close } = await takenPort();
    try {
      expect(await start({ 'server.port': port })).toMatch(/EADDRINUSE.*; set server\.port to a free port$/m);
      const ops = await start({ 'server.port': '0', 'ops.port': port });
      expect(ops).toMatch(/EADDRINUSE.*; set ops\.port to a free port$/m);
      const twice = await start({ 'server.port': port, 'ops.port': port });
      expect(twice).toMatch(/EADDRINUSE.*; set server\.port or ops\.port to a free port$/m);
    } finally {
      close();
    }
  });

  it('because it is privileged is advised about higher ones', () => {
    const { server, ops } = settingsSchema.parse({ server: { port: 80 } });
    const error = Object.assign(new Error('listen EACCES: permission denied 127.0.0.1:80'), {
      code: 'EACCES',
      address: '127.0.0.1',
      port: 80,
    });
    expect(adviceOn(error, { server, ops })).toBe('set server.port to 1024 or above');
  });
});

it('what cannot be told is advised about both', () => {
  const { server, ops } = settingsSchema.parse({});
  const error = Object.assign(new Error('listen EMFILE'), { code: 'EMFILE' });
  expect(adviceOn(error, { server, ops })).toBe('see server.host, server.port');
});
