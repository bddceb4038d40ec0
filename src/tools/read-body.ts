import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';

const DECODERS = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};
type Coding = keyof typeof DECODERS;

/** What `readBody` can decode, as an Accept-Encoding header. */
export const ACCEPTED_ENCODINGS = 'gzip, deflate, br';

/** Whether `readBody` can decode a content coding. */
export function isKnownCoding(coding: string): coding is Coding {
  return Object.hasOwn(DECODERS, coding);
}

/** The body, as sent or decoded, is longer than the caller wanted to read. */
export class BodyTooLarge extends Error {
  override name = 'BodyTooLarge';
}

interface ReadOptions {
  /** The content coding to undo. */
  readonly coding: Coding | undefined;
  /** The most that is read from the network, and the most that is kept after decoding. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

async function* capped(source: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new BodyTooLarge();
    yield chunk;
  }
}

/**
 * Reads and decodes a body, and stops at the first byte too many. Both sides of the decoder are counted: a small
 * body can decode to gigabytes, and an endless one to nothing.
 */
export async function readBody(body: Readable, { coding, maxBytes, signal }: ReadOptions): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const limit = (source: AsyncIterable<Buffer>) => capped(source, maxBytes);
  const collect = async (source: AsyncIterable<Buffer>) => {
    for await (const chunk of limit(source)) chunks.push(chunk);
  };
  if (coding) await pipeline(body, limit, DECODERS[coding](), collect, { signal });
  else await pipeline(body, collect, { signal });
  return Buffer.concat(chunks);
}
