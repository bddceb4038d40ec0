import { expect, it, vi } from 'vitest';
import { observers } from '../../src/monitoring/observers.ts';
import type { CallObserver } from '../../src/tools/call.ts';
import { Catalogue } from '../../src/tools/catalogue.ts';
import { Executor } from '../../src/tools/executor.ts';
import { callOf } from '../support/call-records.ts';

it('what one observer throws reaches neither the others nor the call, and holds no stop up', async () => {
  const broken: CallObserver = {
    started: () => undefined,
    finished: () => {
      throw new Error('the disk is full');
    },
  };
  const other = { started: vi.fn(), finished: vi.fn() };
  const onError = vi.fn();
  const executor = new Executor({
    catalogue: new Catalogue(),
    quota: { take: () => 0 },
    observer: observers(onError, broken, undefined, other),
    limits: { concurrency: 1, queue: 0, queueWaitSeconds: 1, resultBytes: 1000, inputWaitSeconds: 1 },
    now: () => 0,
  });
  expect(await executor.execute(callOf('nope'))).toMatchObject({ reason: 'unknown_tool' });
  expect(other.finished).toHaveBeenCalledOnce();
  expect(onError).toHaveBeenCalledWith(new Error('the disk is full'));
  await executor.drain();
});
