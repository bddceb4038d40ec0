import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';

it('threads that are lost again and again become some lines and one with the number of the rest', async () => {
  // However long new threads take, no call is refused meanwhile.
  const limits = { queueWaitSeconds: 600 };
  const server = await startTestServer({ limits, log: { foldSeconds: 600 } });
  await Promise.all(Array.from({ length: 8 }, () => server.execute('exits')));
  await server.stop();
  const lost = server.logs.filter(({ msg }) => /^(worker thread|more worker threads)/.test(String(msg)));
  expect(lost).toHaveLength(6);
  expect(lost.at(-1)).toMatchObject({
    ...{ reason: 'crashed', tool: 'exits', folded: 3 },
    err: { message: expect.stringContaining('exited with code') as string },
    msg: 'more worker threads like this, of which this is the first',
  });
});

describe('a promise that a tool in a thread leaves behind, and that rejects,', () => {
  const path = join(mkdtempSync(join(tmpdir(), 'lost-threads-')), 'careless.mjs');
  const ADVICE = 'was rejected and nothing handles it: await it or catch it: left behind';
  writeFileSync(
    path,
    `import { setTimeout } from 'node:timers/promises';
     const tool = {
       title: 'T', description: 'T.', isolation: 'worker', input: { type: 'object', additionalProperties: false },
       annotations: { readOnly: true, idempotent: true, openWorld: false },
     };
     const next = Promise.withResolvers();
     const loseAfter = async (promise) => { await promise; throw new TypeError('left behind'); };
     export default [
       { ...tool, name: 'careless', handler: () => { void loseAfter(setTimeout(50)); } },
       { ...tool, name: 'patient', handler: () => { void loseAfter(next.promise); } },
       { ...tool, name: 'waits', timeoutSeconds: 60, handler: () => { next.resolve(); return setTimeout(60_000); } },
     ];`,
  );
  let server: TestServer;
  beforeEach(async () => {
    server = await startTestServer({ tools: { modules: [path] }, workers: { maxThreads: 1 } });
  });
  afterEach(() => server.stop());
  const lost = () => server.logs.find(({ msg }) => msg === 'worker thread replaced');

  it('is logged with its tool when no call is lost by it', async () => {
    await server.execute('careless');
    await expect.poll(lost, { timeout: 60_000 }).toMatchObject({
      ...{ reason: 'crashed', tool: 'careless' },
      err: { message: `a promise of the tool careless ${ADVICE}` },
    });
  });

  it('is not taken for a fault of the tool that ran when it rejected', async () => {
    await server.execute('patient');
    expect((await server.execute('waits')).body).toMatchObject({ reason: 'unavailable' });
    expect(lost()).toMatchObject({
      ...{ reason: 'crashed', tool: 'waits' },
      err: { message: `a promise of the tool patient ${ADVICE}` },
    });
  });
}, 120_000);

it('a thread that runs out of its heap, in a call or after it, names the setting', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'hungry-')), 'hungry.mjs');
  writeFileSync(
    path,
    `const tool = {
       title: 'T', description: 'T.', isolation: 'worker', input: { type: 'object', additionalProperties: false },
       annotations: { readOnly: true, idempotent: true, openWorld: false }, timeoutSeconds: 120,
     };
     const all = [];
     const hoard = () => { for (;;) all.push(Array.from({ length: 125_000 }, () => all.length)); };
     export default [
       { ...tool, name: 'hoards', handler: hoard },
       { ...tool, name: 'hoards_later', handler: () => { setTimeout(hoard, 50); } },
     ];`,
  );
  const server = await startTestServer({ tools: { modules: [path] }, workers: { maxHeapMegabytes: 32 } });
  const message = 'the worker thread needed more than its heap of 32 MiB (workers.maxHeapMegabytes)';
  const lost = () => server.logs.filter(({ msg }) => msg === 'worker thread replaced');
  expect((await server.execute('hoards_later')).status).toBe(200);
  await expect
    .poll(lost, { timeout: 60_000 })
    .toMatchObject([
      { reason: 'out_of_memory', err: { message: expect.stringContaining(message) as string } },
    ]);
  expect((await server.execute('hoards')).body).toMatchObject({ reason: 'exception' });
  expect(lost()[1]).toMatchObject({ reason: 'out_of_memory', tool: 'hoards', err: { message } });
  expect(server.logs.find(({ tool, msg }) => tool === 'hoards' && msg === 'tool call')).toMatchObject({
    err: { message },
  });
  await server.stop();
}, 120_000);
