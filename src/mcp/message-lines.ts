import { Transform, type TransformCallback } from 'node:stream';
import { parseJSONRPCMessage } from '@modelcontextprotocol/server';
import { excessIn } from '../monitoring/door/envelope.ts';
import { ERROR_CODES, refusal } from '../monitoring/door/json-rpc.ts';
import { fieldOf } from '../monitoring/door/message.ts';
import { parseJson } from '../monitoring/door/json-text.ts';

type Refusal = ReturnType<typeof refusal<string | number | null>>;

const NEWLINE = 0x0a;

/**
 * Passes on the lines of a stream that are JSON-RPC messages. Others are refused here, because the SDK drops them without a
 * word, and a client would wait for an answer for ever.
 */
export class MessageLines extends Transform {
  readonly #maxBytes: number;
  readonly #refuse: (answer: Refusal) => void;
  /** The line that is arriving. */
  #parts: Buffer[] = [];
  #size = 0;

  /** @param maxBytes the longest line that is kept */
  constructor(maxBytes: number, refuse: (answer: Refusal) => void) {
    super();
    this.#maxBytes = maxBytes;
    this.#refuse = refuse;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      this.#take(chunk.subarray(from, end));
      this.#endLine();
      from = end + 1;
    }
    this.#take(chunk.subarray(from));
    done();
  }

  #take(part: Buffer): void {
    this.#size += part.length;
    if (this.#size <= this.#maxBytes) this.#parts.push(part);
    else this.#parts = [];
  }

  #endLine(): void {
    const line = Buffer.concat(this.#parts);
    const isTooLong = this.#size > this.#maxBytes;
    this.#parts = [];
    this.#size = 0;
    const problem = isTooLong
      ? refusal(ERROR_CODES.invalidRequest, `The line is longer than ${this.#maxBytes} bytes`)
      : problemIn(line);
    if (problem) this.#refuse(problem);
    else if (line.length > 0) this.push(Buffer.concat([line, Buffer.of(NEWLINE)]));
  }
}

/** Why a line is no message that can be served. */
function problemIn(line: Buffer): Refusal | undefined {
  if (line.toString('latin1').trim() === '') return undefined;
  const parsed = parseJson(line);
  if (!parsed.ok) return refusal(ERROR_CODES.parseError, `The line ${parsed.problem}`);
  const message = parsed.value;
  const id = fieldOf(message, 'id');
  const isAnswerable = typeof id === 'string' || typeof id === 'number';
  const detail = wrongIn(message);
  return detail === undefined
    ? undefined
    : refusal<string | number | null>(ERROR_CODES.invalidRequest, detail, isAnswerable ? id : null);
}

/** JSON-RPC 2.0, section 4, as MCP narrows it ("Base Protocol", "Messages"). */
function wrongIn(message: unknown): string | undefined {
  if (Array.isArray(message)) return 'Over stdio there are no batches: send one message in a line';
  if (typeof message !== 'object' || message === null) return 'A message must be an object';
  const excess = excessIn(message);
  if (excess !== undefined) return excess;
  if (fieldOf(message, 'jsonrpc') !== '2.0') return 'jsonrpc must be "2.0"';
  const { id, method, params } = message as Readonly<Record<string, unknown>>;
  if (id !== undefined && typeof id !== 'string' && !Number.isInteger(id))
    return 'id must be a text or a whole number';
  if ('method' in message && typeof method !== 'string') return 'method must be a text';
  if ('params' in message && (typeof params !== 'object' || params === null || Array.isArray(params)))
    return 'params must be an object';
  try {
    parseJSONRPCMessage(message);
    return undefined;
  } catch {
    return 'It is neither a request nor a notification nor an answer of JSON-RPC 2.0';
  }
}
