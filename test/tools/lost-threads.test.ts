import { expect, it } from 'vitest';
import { startTestServer } from '../support/test-server.ts';

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
