import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, describe, it, onTestFinished } from 'vitest';
import { anyNetwork } from '../../src/tools/egress-policy.ts';
import { queryDns } from '../../src/tools/dns-query.ts';
import { WorkerPool } from '../../src/tools/worker-pool.ts';
import { startDnsServer } from '../support/dns-server.ts';
import { contextWith } from '../support/call-tool.ts';
import { fetched } from '../support/fetching.ts';
import { stillHeld } from '../support/garbage.ts';
import { startSite } from '../support/site.ts';
import { waitFor } from '../support/wait.ts';

/** Does some work a few times, each within an async context as a call has one, and expects nothing to hold those after it. */
async function expectNothingHeld(work: () => Promise<unknown>): Promise<void> {
  const context = new AsyncLocalStorage<object>();
  const calls: WeakRef<object>[] = [];
  const call = async (): Promise<void> => {
    const pending = { arguments: 'large' };
    calls.push(new WeakRef(pending));
    await context.run(pending, work);
  };
  for (let times = 0; times < 5; times += 1) await call();
  // What is closing may take some turns of the event loop.
  await waitFor(async () => {
    expect(await stillHeld(calls)).toBe(0);
  });
}

const LONG = 3600;

describe('the call that made it is held no longer by', () => {
  it('a fetch with a long deadline', async () => {
    const site = await startSite((_request, response) => response.end('page'));
    await expectNothingHeld(() => fetched(site.url, { timeoutSeconds: LONG, policy: anyNetwork }));
  });

  it('a DNS query with a long deadline', async () => {
    const { server } = await startDnsServer({ 'example.com': { A: ['192.0.2.1'] } });
    const { signal } = new AbortController();
    const options = { timeoutSeconds: LONG, servers: [server], signal };
    await expectNothingHeld(() => queryDns('example.com', 'A', options));
  });

  it('a worker thread that it started', async () => {
    const pool = new WorkerPool({
      minThreads: 0,
      maxThreads: 1,
      maxHeapMegabytes: 64,
      restarted: () => undefined,
    });
    onTestFinished(() => pool.close());
    const moduleUrl = new URL('../../src/tools/builtin/json.ts', import.meta.url).href;
    const run = () =>
      pool.run(
        { name: 'json_format', moduleUrl },
        { json_string: '{}' },
        contextWith(new AbortController().signal),
      );
    await expectNothingHeld(run);
    expect(pool.size).toBe(1);
  });
});
