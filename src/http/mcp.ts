import { Router, type Request, type RequestHandler } from 'express';
import type { Accepts, McpEndpoint } from '../mcp/endpoint.ts';
import { excessIn } from '../monitoring/door/envelope.ts';
import { fieldOf } from '../monitoring/door/message.ts';
import type { Quota } from '../tools/quota.ts';
import { callerOf } from './authentication.ts';
import { readJson, type JsonBody } from './json-body.ts';
import { sendProblem, wrongMethod, type Problem } from './problem.ts';
import { beyondQuota, bodyLimit } from './quota.ts';
import { requestIdOf } from './request-id.ts';

export interface McpRouteOptions {
  readonly mcp: Pick<McpEndpoint, 'serve'>;
  /** Stands before the endpoint and knows the caller. */
  readonly guard: RequestHandler;
  /** Largest body that is read. */
  readonly bodyBytes: number;
  /** Each message takes from it, and each request that has none. */
  readonly quota: Quota;
}

/** MCP 2025-11-25, "Streamable HTTP"; not HEAD, which cannot begin a stream. */
const METHODS = ['POST', 'GET', 'DELETE'];

/** An MCP endpoint at a path. */
export function mcpRoutes(path: string, { mcp, guard, bodyBytes, quota }: McpRouteOptions): Router {
  const router = Router();
  router.all(path, guard, async (request, response, next) => {
    if (!METHODS.includes(request.method)) {
      next();
      return;
    }
    const caller = callerOf(response);
    const read = await readMessage(request, bodyBytes, (messages) => quota.take(caller.quotaKey, messages));
    const refused = read.ok
      ? await mcp.serve(request, response, {
          body: read.body,
          sender: { caller, requestId: requestIdOf(response), waitSeconds: read.waitSeconds },
          accepts: acceptedBy(request),
        })
      : read.problem;
    if (refused) sendProblem(request, response, refused);
  });
  router.all(path, wrongMethod(METHODS.join(', ')));
  return router;
}

type Read =
  | { readonly ok: true; readonly body: unknown; readonly waitSeconds: number }
  | { readonly ok: false; readonly problem: Problem };

/**
 * Reads what a request says, within its caller's quota. Beyond it a call is let pass, which the executor refuses, and counts by
 * its tool, and what ends something.
 * @param take takes messages from the quota
 */
async function readMessage(
  request: Request,
  bodyBytes: number,
  take: (messages: number) => number,
): Promise<Read> {
  // One before its body is read: of bodies that come at the same time no more are parsed than there is room for.
  const first = take(1);
  const read = await readBody(request, bodyLimit(bodyBytes, first));
  const waitSeconds = first > 0 || !read.ok ? first : take(messagesIn(read.value) - 1);
  if (!read.ok) return refuse({ ...read.problem, ...(waitSeconds > 0 && beyondQuota(waitSeconds)) });
  const { value: body } = read;
  return waitSeconds === 0 || passesBeyond(request.method, body)
    ? { ok: true, body, waitSeconds }
    : refuse({ ...beyondQuota(waitSeconds), ...idIn(body) });
}

async function readBody(request: Request, maxBytes: number): Promise<JsonBody> {
  if (request.method !== 'POST') return { ok: true, value: undefined };
  const read = await readJson(request, maxBytes);
  const excess = read.ok ? excessIn(read.value) : undefined;
  return read.ok && excess !== undefined
    ? refuse({ status: 413, detail: excess, ...idIn(read.value) })
    : read;
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
