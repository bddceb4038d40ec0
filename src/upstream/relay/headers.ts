import type { IncomingHttpHeaders } from 'node:http';
import { mediaTypeOf } from '../../monitoring/door/media-type.ts';
import { Fault, ofStatus } from '../fault.ts';

/** What of a client's request is passed on besides the headers of MCP; never its credentials and cookies. */
const SENT_ON: ReadonlySet<string> = new Set(['accept', 'content-type', 'last-event-id', 'traceparent']);

/** What of an upstream's answer is, besides the headers of MCP. */
const SENT_BACK: ReadonlySet<string> = new Set([
  'content-type',
  'content-length',
  'cache-control',
  'retry-after',
  'allow',
]);

export const SESSION_HEADER = 'mcp-session-id';

const isOfMcp = (name: string): boolean => name.startsWith('mcp-') && name !== SESSION_HEADER;

/**
 * The headers that an upstream is sent, names and values in turn.
 * @param own of the upstream's settings, which win; in lower case
 * @param ours the session as the upstream calls it, and the place in our trace
 */
export function headersToUpstream(
  given: IncomingHttpHeaders,
  own: ReadonlyMap<string, string>,
  ours: { readonly sessionId: string | undefined; readonly traceparent: string | undefined },
): string[] {
  const headers = ['accept-encoding', 'identity'];
  for (const [name, value] of own) headers.push(name, value);
  for (const name in given) {
    if (!(SENT_ON.has(name) || isOfMcp(name)) || own.has(name)) continue;
    if (name !== 'traceparent' || ours.traceparent === undefined) headers.push(name, String(given[name]));
  }
  if (ours.sessionId !== undefined) headers.push(SESSION_HEADER, ours.sessionId);
  if (ours.traceparent !== undefined) headers.push('traceparent', ours.traceparent);
  return headers;
}

/** What an upstream answered with. */
export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** The headers that a client is sent of an upstream's answer. */
export function headersToClient(given: AnswerHeaders): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const name in given) {
    const value = given[name];
    if (value !== undefined && (SENT_BACK.has(name) || isOfMcp(name))) headers[name] = value;
  }
  return headers;
}

/** In which an answer can be (MCP 2025-11-25, "Streamable HTTP"). */
const FORMS: ReadonlySet<string> = new Set(['application/json', 'text/event-stream']);

/**
 * Why a client cannot be given what an upstream answers.
 * @param isAwaited whether an answer to a request is waited for
 */
export function whyNotPassedBack(
  status: number,
  headers: AnswerHeaders,
  isAwaited: boolean,
): Fault | undefined {
  if (status >= 600) return new Fault('broken', `HTTP ${status}: there is no such status`);
  // It is us whose credentials it refuses, and not the client.
  if (status === 401 || status === 403) return ofStatus(status, false);
  if (status >= 300 && status < 400) return new Fault('broken', `HTTP ${status}: redirects are not followed`);
  if ((headers['content-encoding'] ?? 'identity') !== 'identity')
    return new Fault('broken', 'its answer has a content encoding that was not asked for');
  if (isAwaited && status < 300 && !FORMS.has(mediaTypeOf(headers['content-type'])))
    return new Fault('broken', `HTTP ${status} without an answer in a form that MCP knows`);
  return undefined;
}
