import { STATUS_CODES } from 'node:http';
import type { Request, RequestHandler, Response } from 'express';
import type { ErrorReason } from '../tools/outcome.ts';

/** An HTTP request that was not carried out, in words for whoever made it. */
export interface Problem {
  readonly status: number;
  readonly detail: string;
  readonly toolName?: string;
  readonly reason?: ErrorReason;
  readonly headers?: Readonly<Record<string, string>>;
}

/** JSON-RPC 2.0: the body is not JSON. Everything else that is wrong with a request is an invalid request. */
const PARSE_ERROR = -32700;
const INVALID_REQUEST = -32600;
const INTERNAL_ERROR = -32603;

/**
 * Answers with the one error body of the REST API, `{error, detail, tool_name, reason}`; on `/mcp` with a JSON-RPC
 * error, which is what its clients read.
 */
export function sendProblem(request: Request, response: Response, problem: Problem): void {
  const { status, detail, toolName = null, reason = null, headers = {} } = problem;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.status(status).set(headers);
  if (/^\/mcp\/?$/i.test(request.path)) {
    const code = status >= 500 ? INTERNAL_ERROR : status === 400 ? PARSE_ERROR : INVALID_REQUEST;
    response.json({ jsonrpc: '2.0', error: { code, message: detail }, id: null });
  } else {
    response.json({ error: STATUS_CODES[status] ?? 'Error', detail, tool_name: toolName, reason });
  }
}

/** Stands after the handlers of a path: refuses the methods that none of them took. */
export const wrongMethod =
  (allow: string): RequestHandler =>
  (request, response) => {
    const detail = `${request.path} answers ${allow} only`;
    sendProblem(request, response, { status: 405, detail, headers: { allow } });
  };
