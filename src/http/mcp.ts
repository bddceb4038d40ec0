import { Router, type Request, type RequestHandler } from 'express';
import type { Accepts, McpEndpoint } from '../mcp/endpoint.ts';
import { excessIn } from '../monitoring/door/envelope.ts';
import { fieldOf } from '../monitoring/door/message.ts';
import { callerOf } from './authentication.ts';
import { readJson } from './json-body.ts';
import { sendProblem, wrongMethod, type Problem } from './problem.ts';
import { requestIdOf } from './request-id.ts';

export interface McpRouteOptions {
  readonly mcp: Pick<McpEndpoint, 'serve'>;
  /** Stands before the endpoint and knows the caller. */
  readonly guard: RequestHandler;
  /** Largest body that is read. */
  readonly bodyBytes: number;
}

/** MCP 2025-11-25, "Streamable HTTP"; not HEAD, which cannot begin a stream. */
const METHODS = ['POST', 'GET', 'DELETE'];

/** An MCP endpoint at a path. */
export function mcpRoutes(path: string, { mcp, guard, bodyBytes }: McpRouteOptions): Router {
  const router = Router();
  router.all(path, guard, async (request, response, next) => {
    if (!METHODS.includes(request.method)) {
      next();
      return;
    }
    const body = request.method === 'POST' ? await readJson(request, bodyBytes) : undefined;
    if (body && !body.ok) {
      sendProblem(request, response, body.problem);
      return;
    }
    const excess = excessIn(body?.value);
    if (excess !== undefined) {
      sendProblem(request, response, { status: 413, detail: excess, ...idIn(body?.value) });
      return;
    }
    const sender = { caller: callerOf(response), requestId: requestIdOf(response) };
    const refused = await mcp.serve(request, response, {
      body: body?.value,
      sender,
      accepts: acceptedBy(request),
    });
    if (refused) sendProblem(request, response, refused);
  });
  router.all(path, wrongMethod(METHODS.join(', ')));
  return router;
}

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
