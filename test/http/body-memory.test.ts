import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { readJson } from '../../src/http/json-body.ts';
import { collectGarbage } from '../support/garbage.ts';

const bodyOf = (source: Readable, headers: Readonly<Record<string, string>> = {}): IncomingMessage =>
  Object.assign(source, { headers: { 'content-type': 'application/json', ...headers } }) as IncomingMessage;

it('a body that arrives byte by byte is kept as its bytes, not as thousands of buffers', async () => {
  const source = new Readable({ read: () => undefined });
  const reading = readJson(bodyOf(source), 100_000);
  const text = `{"a":"${'x'.repeat(10_000)}"}`;
  const pieces: WeakRef<Buffer>[] = [];
  for (const byte of Buffer.from(text)) {
    const piece = Buffer.from([byte]);
    pieces.push(new WeakRef(piece));
    source.push(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  collectGarbage();
  expect(pieces.filter((piece) => piece.deref()).length).toBeLessThan(100);
  source.push(null);
  expect(await reading).toMatchObject({ ok: true, value: JSON.parse(text) as unknown });
});

it.each([
  ['of its announced length', { 'content-length': '11' }],
  ['of a length that was announced wrong', { 'content-length': '3' }],
  ['of a length that nobody announced', {}],
])('a body %s is read whole', async (_what, headers) => {
  const source = Readable.from([Buffer.from('{"a":'), Buffer.from('[1,2'), Buffer.from(']}')]);
  expect(await readJson(bodyOf(source, headers), 11)).toMatchObject({ ok: true, value: { a: [1, 2] } });
});
