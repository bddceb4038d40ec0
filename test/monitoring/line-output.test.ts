import { describe, expect, it } from 'vitest';
import { AuditOutput } from '../../src/monitoring/audit/audit-output.ts';
import { LineOutput, MAX_WAITING_BYTES } from '../../src/monitoring/line-output.ts';
import { createLog } from '../../src/monitoring/logging.ts';
import { waitUntil } from '../support/wait.ts';

/** A log that nobody reads until it is read, and what was read of it. */
function unread() {
  let read = '';
  let go: (() => void) | undefined;
  const output = new LineOutput((chunk, done) => {
    const take = (): void => {
      read += chunk.toString();
      done(null, chunk.length);
    };
    if (isRead) take();
    else go = take;
  });
  let isRead = false;
  return {
    output,
    /** Reads what is written now, and all that comes. */
    read: () => {
      isRead = true;
      go?.();
    },
    /** Reads one chunk. */
    readOnce: () => {
      const take = go;
      go = undefined;
      take?.();
    },
    lines: () =>
      read
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

/** An output that gathers lines for so many milliseconds, and what it wrote at a time. */
function gathering(milliseconds: number) {
  const chunks: string[] = [];
  const output = new LineOutput((chunk, done) => {
    chunks.push(chunk.toString());
    done(null, chunk.length);
  }, milliseconds);
  return { output, chunks };
}

describe('lines that are gathered', () => {
  it('are written together, but for the first, which waits for none', async () => {
    const { output, chunks } = gathering(5);
    for (const line of ['a', 'b', 'c']) output.write(`${line}\n`);
    expect(chunks).toEqual(['a\n']);
    await waitUntil(() => chunks.length === 2);
    expect(chunks[1]).toBe('b\nc\n');
  });

  it('are written at once when they are flushed', async () => {
    const { output, chunks } = gathering(3_600_000);
    for (const line of ['a', 'b']) output.write(`${line}\n`);
    expect(await output.flush()).toBeUndefined();
    expect(chunks).toEqual(['a\n', 'b\n']);
  });
});

const text = 'x'.repeat(10_000);

describe('a log that is not read', () => {
  it('says how many of its lines were lost as soon as it is read again, in the place of the lost ones', () => {
    const { output, read, lines } = unread();
    const logger = createLog('info', output);
    const logged = 500;
    for (let number = 0; number < logged; number += 1) logger.info({ number, text }, 'a line');
    read();
    logger.info('later');
    const kept = lines().filter(({ msg }) => msg === 'a line');
    expect(kept.map(({ number }) => number)).toEqual(kept.map((_line, index) => index));
    expect(kept.length).toBeLessThan(logged);
    expect(
      lines()
        .slice(kept.length)
        .map(({ level, msg, lines: lost }) => [level, msg, lost]),
    ).toEqual([
      ['error', expect.stringMatching(/^lines of the log are lost/), logged - kept.length],
      ['info', 'later', undefined],
    ]);
  });

  it('counts each lost line once, however often it is read for a moment', () => {
    const { output, read, readOnce, lines } = unread();
    const logger = createLog('info', output);
    const logged = 2000;
    for (let number = 0; number < logged; number += 1) {
      logger.info({ number, text }, 'a line');
      if (number % 100 === 0) readOnce();
    }
    read();
    const kept = lines().filter(({ msg }) => msg === 'a line');
    const lost = lines().reduce((sum, { lines: count }) => sum + Number(count ?? 0), 0);
    expect(lost).toBeGreaterThan(0);
    expect(kept.length + lost).toBe(logged);
  });

  it('has room for audit events when its other lines have used up theirs', () => {
    const { output, read, lines } = unread();
    const logger = createLog('info', output);
    const audit = AuditOutput.inLog(output);
    for (let number = 0; number < 500; number += 1) logger.info({ text }, 'a line');
    const event = `${JSON.stringify({ event: 'call', text })}\n`;
    const taken = Array.from({ length: 1000 }, () => audit.write(event)).filter(Boolean).length;
    expect(taken).toBe(Math.floor(MAX_WAITING_BYTES / event.length));
    read();
    expect(lines().filter((line) => line['event'] === 'call')).toHaveLength(taken);
  });
});
