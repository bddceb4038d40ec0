import { describe, expect, it } from 'vitest';
import { Allowance } from '../../src/tools/allowance.ts';
import { EventStream } from '../../src/upstream/event-stream.ts';
import { StreamReading } from '../../src/upstream/relay/reading.ts';
import { keptMegabytes } from '../support/garbage.ts';

const MAX = 1024 * 1024;

/** Reads events in both ways that upstreams are read: for the catalogue, and along with what is relayed. */
const readers = {
  'for the catalogue'(taken: string[]) {
    const stream = new EventStream(MAX, new Allowance(Infinity, 0, () => 0));
    return (bytes: Buffer) => {
      for (const { data } of stream.read(bytes)) taken.push(data);
    };
  },
  'of a relay'(taken: string[]) {
    const reading = new StreamReading(MAX, ({ id }) => taken.push(String(id)));
    return (bytes: Buffer) => {
      reading.read(bytes);
    };
  },
};

describe.each(Object.entries(readers))('a stream of events that is read %s', (_whose, readerOf) => {
  it('costs little more memory than it has bytes, however short its lines are', async () => {
    const lines = Buffer.from('data:x\n'.repeat(10_000));
    const before = await keptMegabytes();
    const reads = Array.from({ length: 20 }, () => readerOf([]));
    for (const read of reads) for (let part = 0; part < 10; part += 1) read(lines);
    const kept = (await keptMegabytes()) - before;
    // 14 MB were sent; a part of a line each would be some hundred.
    expect(kept).toBeLessThan(45);
    for (const read of reads) read(Buffer.from('\n'));
  });

  it.each(['\n', '\r', '\r\n'])(
    'ends an event with its last line, in whatever parts it comes (%j)',
    (end) => {
      const event = (id: number): string => [`id: ${id}`, `data: {"id":`, `data: ${id}}`, '', ''].join(end);
      // A CR may yet become a CR LF: the next line tells.
      const text = `: hello${end}${end}${event(1)}${event(2)}`;
      for (const size of [1, 2, 3, 5, 1000]) {
        const taken: string[] = [];
        const read = readerOf(taken);
        const bytes = Buffer.from(text);
        for (let at = 0; at < bytes.length; at += size) read(bytes.subarray(at, at + size));
        if (end === '\r') read(Buffer.from(':\r'));
        expect(taken).toHaveLength(2);
      }
    },
  );

  it('takes an event at once, and not with the next', () => {
    const taken: string[] = [];
    const read = readerOf(taken);
    for (const part of ['data: {"id":1}\r', '\n\r', '\n']) read(Buffer.from(part));
    expect(taken).toHaveLength(1);
  });

  it('does not take comments without end for an event', () => {
    const taken: string[] = [];
    const read = readerOf(taken);
    const comments = Buffer.from(': ping\n'.repeat(10_000));
    for (let part = 0; part < 40; part += 1) read(comments);
    read(Buffer.from('data: {"id":1}\n\n'));
    expect(taken).toHaveLength(1);
  });
});
