import type { IncomingMessage } from 'node:http';
import type { Problem } from './problem.ts';

export type JsonBody =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problem: Problem };

const MAX_DEPTH = 64;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

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
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return refuse(400, 'The body is not valid UTF-8');
  }
  if (depthOf(text) > MAX_DEPTH) return refuse(400, `The body is nested more than ${MAX_DEPTH} levels deep`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse(400, text === '' ? 'The body is empty; it must be JSON' : 'The body is not valid JSON');
  }
  // Schemas that check the value later may drop this key silently, and a tool that copies it would change a prototype.
  if (MAY_SPELL_PROTO.test(text) && hasProto(value)) return refuse(400, 'The body has the key __proto__');
  return { ok: true, value };
}

const MAY_SPELL_PROTO = /__proto__|\\u00/;

function hasProto(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(hasProto);
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
  const chunks: Buffer[] = [];
  let size = 0;
  // All bytes are read, also of a body that is too large: bytes left unread would reset the connection of a client
  // that is still sending, and it would never see the answer.
  return new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBytes) {
        chunks.push(chunk);
      } else {
        chunks.length = 0;
        resolve(undefined);
      }
    });
    request.on('end', () => {
      resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
    });
    request.on('error', reject);
  });
}

/** How deep the brackets of a JSON text nest. Counted in the text, so that nothing deep is ever parsed. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (inString) {
      if (code === 0x5c) index += 1;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x7b || code === 0x5b) deepest = Math.max(deepest, (depth += 1));
    else if (code === 0x7d || code === 0x5d) depth -= 1;
  }
  return deepest;
}

const refuse = (status: number, detail: string): JsonBody => ({ ok: false, problem: { status, detail } });

const tooLarge = (maxBytes: number): JsonBody => refuse(413, `The body is larger than ${maxBytes} bytes`);
