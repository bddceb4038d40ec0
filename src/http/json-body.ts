import type { IncomingMessage } from 'node:http';
import { parseJson } from '../monitoring/door/json-text.ts';
import type { Problem } from './problem.ts';

export type JsonBody =
  | { readonly ok: true; readonly value: unknown; readonly bytes: Buffer }
  | { readonly ok: false; readonly problem: Problem };

/**
 * Reads a JSON request body, strictly: `application/json`, UTF-8, not compressed, at most `maxBytes` long and
 * 64 levels deep.
 */
export async function readJson(request: IncomingMessage, maxBytes: number): Promise<JsonBody> {
  const {
    'content-type': type,
    'content-encoding': encoding = 'identity',
    'content-length': length,
  } = request.headers;
  if (!isJsonType(type)) return refuse(415, 'The Content-Type must be application/json, in UTF-8');
  if (encoding !== 'identity') return refuse(415, 'The body must not be compressed (Content-Encoding)');
  if (Number(length) > maxBytes) return tooLarge(maxBytes);
  const bytes = await readBytes(request, maxBytes);
  if (!bytes) return tooLarge(maxBytes);
  const parsed = parseJson(bytes);
  return parsed.ok ? { ...parsed, bytes } : refuse(400, `The body ${parsed.problem}`);
}

function isJsonType(header: string | undefined): boolean {
  if (header === 'application/json') return true;
  const [type, ...parameters] = (header ?? '').split(';').map((part) => part.trim().toLowerCase());
  return (
    type === 'application/json' &&
    parameters.every(
      (parameter) => !parameter.startsWith('charset=') || /^charset="?utf-?8"?$/.test(parameter),
    )
  );
}

/** The whole body, or `undefined` as soon as it is longer than `maxBytes`; the rest is then read and dropped. */
async function readBytes(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  // One buffer that grows: a client that sends byte by byte would have us keep a hundred times what it sent.
  let bytes: Buffer = Buffer.alloc(0);
  let size = 0;
  // All bytes are read, also of a body that is too large: bytes left unread would reset the connection of a client
  // that is still sending, and it would never see the answer.
  return new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      const end = size + chunk.length;
      if (end > maxBytes) {
        bytes = Buffer.alloc(0);
        resolve(undefined);
      } else if (size === 0) bytes = chunk;
      else {
        if (end > bytes.length) bytes = Buffer.concat([bytes.subarray(0, size)], 2 * end);
        chunk.copy(bytes, size);
      }
      size = end;
    });
    request.on('end', () => {
      resolve(bytes.subarray(0, size));
    });
    request.on('error', reject);
  });
}

const refuse = (status: number, detail: string): JsonBody => ({ ok: false, problem: { status, detail } });

const tooLarge = (maxBytes: number): JsonBody =>
  refuse(413, `The body is larger than ${maxBytes} bytes (server.bodyBytes)`);
