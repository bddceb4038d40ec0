import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CallLog, type CallLogger } from '../../src/monitoring/call-log.ts';
import { failed, type CallRecord } from '../../src/tools/call.ts';
import { callOf, recordOf } from '../support/call-records.ts';
import { keptMegabytes, stillHeld } from '../support/garbage.ts';

/** A log that folds until the test is over, and its lines. */
function foldingLog() {
  const lines: Record<string, unknown>[] = [];
  const write = (line: Record<string, unknown>): void => void lines.push(line);
  const logger: CallLogger = {
    debug: write,
    info: write,
    warn: write,
    error: write,
    isLevelEnabled: () => true,
  };
  const log = new CallLog(logger, {
    successes: 0,
    foldSeconds: 3600,
    arguments: { reads: ['text'] },
    results: [],
  });
  onTestFinished(() => {
    log.flush();
  });
  return { log, lines };
}

const failure = (args: object, cause: unknown): CallRecord => ({
  ...recordOf('reads', 0.1),
  ...failed('exception', 'It failed.', { cause }),
  call: callOf('reads', { arguments: args }),
});

describe('while failures are folded, the log holds', () => {
  it('none of the calls, nor what their async context holds', async () => {
    const { log, lines } = foldingLog();
    const context = new AsyncLocalStorage<object>();
    const calls = Array.from({ length: 40 }, (_, index) => {
      const args = { text: 'hello', index };
      const running = { of: args };
      // Four kinds.
      context.run(running, () => {
        log.finished(failure(args, new Error(`reason ${index % 4}`)));
      });
      return [new WeakRef<object>(args), new WeakRef<object>(running)];
    }).flat();
    expect(await stillHeld(calls)).toBe(0);
    expect(lines).toHaveLength(20);
    log.flush();
    expect(lines.slice(20)).toHaveLength(4);
    for (const line of lines.slice(20))
      expect(line).toMatchObject({ folded: 5, arguments: { text: 'hello' }, reason: 'exception' });
  });

  it('no more of a text than it shows of it', async () => {
    const { log, lines } = foldingLog();
    const long = (index: number): string => String.fromCharCode(97 + index).repeat(500_000);
    const before = await keptMegabytes();
    for (let index = 0; index < 20; index += 1)
      for (let times = 0; times < 7; times += 1)
        log.finished(failure({ text: long(index) }, new Error(`no: ${index} ${long(index)}`)));
    // What was logged is the test's to keep, not the log's.
    lines.length = 0;
    expect((await keptMegabytes()) - before).toBeLessThan(3);
  });

  it('a line for no more than the failures that it tells apart', () => {
    const { log, lines } = foldingLog();
    for (let index = 0; index < 20; index += 1)
      log.finished(failure({}, new Error(`${'the same beginning '.repeat(100)}${index}`)));
    expect(lines).toHaveLength(5);
  });
});

it('a flood costs the description of a few failures, not of each', () => {
  const { log } = foldingLog();
  let described = 0;
  for (let times = 0; times < 1000; times += 1) {
    const args = {
      toJSON() {
        described += 1;
        return {};
      },
    };
    log.finished(failure(args, new Error('no')));
  }
  expect(described).toBeLessThan(10);
});
