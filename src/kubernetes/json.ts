import { KubernetesFailure } from './failure.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The fields of an object; none, if it is none. */
export const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? (value as Fields) : {};

/** A text; empty, if it is none. */
export const textIn = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Reads what the API sends. */
export function parse(text: string): Fields {
  try {
    return fieldsOf(JSON.parse(text));
  } catch {
    throw new KubernetesFailure('other', 'its answer is no JSON');
  }
}

/** The largest line of a watch, in bytes: an object is at most 1.5 MiB, and somewhat more as JSON. */
const MAX_LINE_BYTES = 4_194_304;

/** The lines of a stream, each without its end. */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    let rest = chunk;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      yield Buffer.concat([...parts, rest.subarray(0, end)]).toString();
      parts = [];
      bytes = 0;
      rest = rest.subarray(end + 1);
    }
    bytes += rest.length;
    if (bytes > MAX_LINE_BYTES)
      throw new KubernetesFailure('other', `a line of its watch has more than ${MAX_LINE_BYTES} bytes`);
    parts.push(rest);
  }
}
