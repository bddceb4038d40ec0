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

/** JSON-RPC 2.0: the body cannot be taken as JSON. */
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
  closeAfterBody(request, response);
  response.status(status).set(headers);
  if (/^\/mcp\/?$/i.test(request.path)) {
    const code = status >= 500 ? INTERNAL_ERROR : status === 400 ? PARSE_ERROR : INVALID_REQUEST;
    response.json({ jsonrpc: '2.0', error: { code, message: detail }, id: null });
  } else {
    response.json({ error: STATUS_CODES[status] ?? 'Error', detail, tool_name: toolName, reason });
  }
}

/**
 * Where Node would close the connection right after the answer, does so when the client has sent its body: closing
 * earlier would reset the connection, and a client that sends all before it reads would not see the answer.
 */
function closeAfterBody(request: Request, response: Response): void {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  const hasBody = encoding !== undefined || Number(length) > 0;
  const closes = !response.shouldKeepAlive || response.getHeader('connection') === 'close';
  if (!closes || !hasBody || request.complete) return;
  response.removeHeader('connection');
  response.shouldKeepAlive = true;
  request.resume().once('end', () => {
    request.socket.destroySoon();
  });
}

/** Stands after the handlers of a path: refuses the methods that none of them took. */
export const wrongMethod =
  (allow: string): RequestHandler =>
  (request, response) => {
    const detail = `${request.path} answers ${allow} only`;
    sendProblem(request, response, { status: 405, detail, headers: { allow } });
  };

export const notFound =
  (detail: string): RequestHandler =>
  (request, response) => {
    sendProblem(request, response, { status: 404, detail });
  };
