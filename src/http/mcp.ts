import { Router, type Request, type RequestHandler, type Response } from 'express';
import type { Caller } from '../authorization/caller.ts';
import type { Accepts, McpEndpoint } from '../mcp/endpoint.ts';
import { excessIn } from '../monitoring/door/envelope.ts';
import { fieldOf } from '../monitoring/door/message.ts';
import type { Quota } from '../tools/quota.ts';
import { callerOf, type Asked } from './authentication.ts';
import { readJson, type JsonBody } from './json-body.ts';
import { sendProblem, wrongMethod, type Problem } from './problem.ts';
import { beyondQuota, bodyLimit } from './quota.ts';
import { requestIdOf } from './request-id.ts';
import { challenged } from './scopes.ts';

/** A request that passed the guards. */
export interface McpMessage {
  /** The body of a POST as it came, and parsed; else missing. */
  readonly body: { readonly bytes: Buffer; readonly value: unknown } | undefined;
  readonly caller: Caller;
  readonly requestId: string;
  /** Seconds until it would be within its caller's quota; 0 for one that is. */
  readonly waitSeconds: number;
}

export interface McpRouteOptions {
  /** Answers a request; resolves to why it did not, if it did not. */
  readonly serve: (request: Request, response: Response, message: McpMessage) => Promise<Problem | undefined>;
  /** What is too much about a body, in words for its client, if something is. */
  readonly excessIn: (body: unknown) => string | undefined;
  /** Stands before the endpoint and knows the caller. */
  readonly guard: RequestHandler;
  readonly askedBy: (request: Request) => Asked;
  /** Largest body that is read. */
  readonly bodyBytes: number;
  /** Each message takes from it, and each request that has none. */
  readonly quota: Quota;
}

/** MCP 2025-11-25, "Streamable HTTP"; not HEAD, which cannot begin a stream. */
const METHODS = ['POST', 'GET', 'DELETE'];

/** Our own endpoint. */
export const servesMcp = (mcp: Pick<McpEndpoint, 'serve'>): Pick<McpRouteOptions, 'serve' | 'excessIn'> => ({
  excessIn,
  serve: (request, response, { body, ...sender }) =>
    mcp.serve(request, response, { body: body?.value, sender, accepts: acceptedBy(request) }),
});

/** A path where MCP is spoken. */
export function mcpRoutes(
  path: string,
  { serve, guard, askedBy, quota, ...bounds }: McpRouteOptions,
): Router {
  const router = Router();
  router.all(path, guard, async (request, response, next) => {
    if (!METHODS.includes(request.method)) {
      next();
      return;
    }
    const caller = callerOf(response);
    const take = (messages: number): number => quota.take(caller.quotaKey, messages);
    const read = await readMessage(request, { ...bounds, take });
    const refused = read.ok
      ? await serve(request, response, { ...read.message, caller, requestId: requestIdOf(response) })
      : read.problem;
    if (refused) sendProblem(request, response, challenged(refused, askedBy(request).challenges));
  });
  router.all(path, wrongMethod(METHODS.join(', ')));
  return router;
}

type Read =
  | { readonly ok: true; readonly message: Pick<McpMessage, 'body' | 'waitSeconds'> }
  | { readonly ok: false; readonly problem: Problem };

interface Reading extends Pick<McpRouteOptions, 'bodyBytes' | 'excessIn'> {
  /** Takes messages from the quota. */
  readonly take: (messages: number) => number;
}

/**
 * Reads what a request says, within its caller's quota. Beyond it a call is let pass, which the executor refuses, and counts by
 * its tool, and what ends something.
 */
async function readMessage(request: Request, { take, ...bounds }: Reading): Promise<Read> {
  // One before its body is read: of bodies that come at the same time no more are parsed than there is room for.
  const first = take(1);
  const read = await readBody(request, bodyLimit(bounds.bodyBytes, first), bounds.excessIn);
  const body = read?.ok === true ? read : undefined;
  const waitSeconds = first > 0 || read?.ok === false ? first : take(messagesIn(body?.value) - 1);
  if (read?.ok === false)
    return refuse({ ...read.problem, ...(waitSeconds > 0 && beyondQuota(waitSeconds)) });
  return waitSeconds === 0 || passesBeyond(request.method, body?.value)
    ? { ok: true, message: { body, waitSeconds } }
    : refuse({ ...beyondQuota(waitSeconds), ...idIn(body?.value) });
}

/** The body of a POST; other requests have none that is read. */
async function readBody(
  request: Request,
  maxBytes: number,
  excess: McpRouteOptions['excessIn'],
): Promise<JsonBody | undefined> {
  if (request.method !== 'POST') return undefined;
  const read = await readJson(request, maxBytes);
  const detail = read.ok ? excess(read.value) : undefined;
  return read.ok && detail !== undefined ? refuse({ status: 413, detail, ...idIn(read.value) }) : read;
}

/** An empty batch, and a request without a body, costs as much as one. */
const messagesIn = (body: unknown): number => (Array.isArray(body) ? Math.max(1, body.length) : 1);

/** Without an answer or its cancellation a call would hang, and without DELETE a session be kept; none costs more than a call. */
function passesBeyond(httpMethod: string, body: unknown): boolean {
  if (httpMethod === 'DELETE') return true;
  const [id, method] = [fieldOf(body, 'id'), fieldOf(body, 'method')];
  if (method === undefined)
    return fieldOf(body, 'result') !== undefined || fieldOf(body, 'error') !== undefined;
  return id === undefined || method === 'tools/call';
}

const refuse = (problem: Problem): Extract<Read, { readonly ok: false }> => ({ ok: false, problem });

/** Of the id of a message that is refused for its size, not to say much of it back. */
const MAX_ID = 256;

function idIn(message: unknown): Pick<Problem, 'id'> {
  const id = fieldOf(message, 'id');
  const isTold = typeof id === 'number' || (typeof id === 'string' && id.length <= MAX_ID);
  return isTold && typeof fieldOf(message, 'method') === 'string' ? { id } : {};
}

/** What clients are to send (MCP 2025-11-25 and 2026-07-28, "Streamable HTTP"), and most do. */
const BOTH = 'application/json, text/event-stream';

function acceptedBy(request: Request): Accepts {
  // Negotiation takes some microseconds, which calls need not pay.
  if (request.headers.accept === BOTH) return { json: true, streams: true };
  // With the charset that some clients name: both forms are always in UTF-8.
  return {
    json: request.accepts('application/json; charset=utf-8') !== false,
    streams: request.accepts('text/event-stream; charset=utf-8') !== false,
  };
}
