import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NODE_IMAGE } from './images.ts';
import { startContainer, startProcess, type ContainerReplica } from './harness.ts';
import { stopAmongBusyClients } from '../support/busy-clients.ts';
import { execute } from './traffic.ts';

let container: ContainerReplica;
let stopped = false;

beforeAll(async () => {
  // Nobody is idle here, however seldom this machine lets a client have its turn.
  container = await startContainer(['--shutdown.idleSeconds', '10']);
});

afterAll(async () => {
  if (!stopped) await container.stop();
});

/** A line of the server's own entry in /proc. */
async function statusOf(field: string): Promise<string | undefined> {
  const { stdout } = await container.exec(['cat', '/proc/1/status']);
  return new RegExp(`^${field}:\\s+(.*)$`, 'm').exec(stdout)?.[1];
}

describe('the container', () => {
  it('starts from the base image that the tests provide', () => {
    const dockerfile = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8');
    expect(dockerfile).toContain(`ARG NODE_IMAGE=${NODE_IMAGE}\n`);
  });

  it('runs as user and group 65532, with no capability and no way to gain one', async () => {
    expect(await statusOf('Uid')).toBe(Array(4).fill(65532).join('\t'));
    expect(await statusOf('Gid')).toBe(Array(4).fill(65532).join('\t'));
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
      expect(await statusOf(set), set).toBe('0'.repeat(16));
    }
    expect(await statusOf('NoNewPrivs')).toBe('1');
  });

  it('needs no writable file system, not even for tools in worker threads', async () => {
    const write = await container.exec(['node', '-e', 'fs.writeFileSync("/app/x", "")']);
    expect(write.stderr).toContain('EROFS');
    expect(await execute(container.url, 'json_format', { json_string: '{}' })).toBe(200);
  });

  it('is healthy by the check it brings', async () => {
    const check = /^HEALTHCHECK [^]*?CMD (\[.*\])$/m.exec(
      readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8'),
    )?.[1];
    expect(await container.exec(JSON.parse(check ?? '[]') as string[])).toMatchObject({ exitCode: 0 });
  });

  it('finishes what it is doing when it is asked to stop among busy clients, and exits with 0', async () => {
    const other = await startProcess();
    const slow = execute(container.url, 'slow', { milliseconds: 6000 });
    const inFlight = async (): Promise<string> => (await fetch(`${container.url}/metrics`)).text();
    await expect.poll(inFlight).toContain('mcp_tool_calls_in_flight{tool_name="slow"} 1');
    const stop = (): Promise<number | null> => {
      stopped = true;
      return container.stop();
    };
    expect(await stopAmongBusyClients(60, [container.url, other.url], stop)).toBe(0);
    expect(await slow).toBe(200);
    // The log comes from the engine, on its own.
    await expect.poll(() => container.logs.at(-1)).toMatchObject({ msg: 'stopped' });
    await other.stop();
  });
});
