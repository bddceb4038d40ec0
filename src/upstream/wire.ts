import {
  isJSONRPCErrorResponse,
  METHOD_NOT_FOUND,
  SdkErrorCode,
  SdkHttpError,
  type JSONRPCErrorResponse,
  type RequestId,
} from '@modelcontextprotocol/client';
import type { Dispatcher } from 'undici';
import { ask, type Asked, type Response } from './ask.ts';
import { tooLarge, type EventStream, type StreamEvent } from './event-stream.ts';
import { Fault, ofStatus } from './fault.ts';

/** How long the rest of an answer may take, in milliseconds: it ends, so that its connection can be used again. */
const TAIL_MS = 1000;
const MAX_TAIL_BYTES = 65_536;

export interface WireOptions {
  readonly url: string;
  /** Sent with each request; hold secrets. */
  readonly headers: Readonly<Record<string, string>>;
  readonly pool: Dispatcher;
}

/** Sends a request to an upstream. It follows no redirect, and has no deadline but its signal. */
export const send = (
  { url, pool, headers: own }: WireOptions,
  method: Asked['method'],
  headers: Asked['headers'],
  { body = null, signal }: Partial<Pick<Asked, 'body'>> & Pick<Asked, 'signal'>,
): Promise<Response> =>
  ask(pool, { url, method, body, signal, headers: { 'accept-encoding': 'identity', ...own, ...headers } });

/** The bytes of a response, if they are what was meant. */
async function* bytesOf(response: Response): AsyncGenerator<Buffer> {
  const { body, headers } = response;
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    await discard(response);
    throw new Fault('broken', 'its answer has a content encoding that was not asked for');
  }
  yield* body as AsyncIterable<Buffer>;
}

/** Reads the text of a response, up to a bound. */
export async function textOf(response: Response, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of bytesOf(response)) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Reads the events of a response until one is what is waited for; resolves to whether one was. */
export async function readEvents(
  response: Response,
  stream: EventStream,
  take: (event: StreamEvent) => boolean,
): Promise<boolean> {
  let isFound = false;
  let tail: NodeJS.Timeout | undefined;
  try {
    for await (const bytes of bytesOf(response)) {
      if (isFound) continue;
      for (const event of stream.read(bytes)) {
        isFound ||= take(event);
        // The SDK's client passes progress on in a turn of its own; an answer before that would end the call without it.
        await Promise.resolve();
      }
      if (isFound) tail = setTimeout(() => response.body.destroy(), TAIL_MS);
    }
  } catch (error) {
    // One that breaks off may still be gone on with; one that is ended here is not.
    const isEnded = error instanceof Fault || (error instanceof Error && error.name === 'AbortError');
    if (!isFound && isEnded) throw error;
  } finally {
    clearTimeout(tail);
  }
  return isFound;
}

/** Reads what is of no use, so that the connection can be used again; one that has much of it is closed. */
export async function discard({ body }: Response): Promise<void> {
  const tail = setTimeout(() => body.destroy(), TAIL_MS);
  let bytes = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_TAIL_BYTES) break;
    }
  } catch {
    // Nobody wants the rest.
  } finally {
    clearTimeout(tail);
  }
}

/** The seconds of `Retry-After` (RFC 9110, section 10.2.3). Its other form is a date, which few send, and which needs clocks that agree. */
export function retryAfterOf({ headers }: Response): number | undefined {
  const value = headers['retry-after'];
  return typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : undefined;
}

/** As the SDK's own transport rejects, whose client finds out by it which era the upstream is of. */
export const refusal = (status: number, text = ''): SdkHttpError =>
  new SdkHttpError(SdkErrorCode.ClientHttpNotImplemented, `HTTP ${status}`, {
    status,
    statusText: '',
    text,
  });

/** A message of JSON-RPC, as far as that is looked at here. */
export function parseMessage(text: string): object {
  try {
    const message: unknown = JSON.parse(text);
    if (typeof message === 'object' && message !== null && !Array.isArray(message)) return message;
  } catch {
    // Said below.
  }
  throw new Fault('broken', 'its answer is not JSON-RPC');
}

/**
 * The JSON-RPC error in a response whose status is none of success: it is the answer, whatever the status says besides.
 * @throws SdkHttpError or Fault where there is none, or the status says that nobody looked at the request
 */
export async function errorIn(
  response: Response,
  id: RequestId,
  maxBytes: number,
): Promise<JSONRPCErrorResponse> {
  const { statusCode } = response;
  const text = await textOf(response, maxBytes).catch(() => '');
  if (statusCode === 401 || statusCode === 403 || statusCode >= 500) throw refusal(statusCode, text);
  if (statusCode < 400) throw new Fault('broken', `HTTP ${statusCode}: redirects are not followed`);
  // These say nothing of who is there, and so nothing of its era.
  const fault = ofStatus(statusCode, false, retryAfterOf(response));
  if (fault.isForNow) throw fault;
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw refusal(statusCode, text);
  }
  if (!isJSONRPCErrorResponse(answer) || answer.id !== id) throw refusal(statusCode, text);
  // Some answer so where a session is gone; of what MCP has, only a method that is not served is a 404.
  if (statusCode === 404 && answer.error.code !== METHOD_NOT_FOUND) throw refusal(statusCode, text);
  return answer;
}
