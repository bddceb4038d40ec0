import { STATUS_CODES } from 'node:http';
import type { Express, Request, RequestHandler, Response } from 'express';
import { ERROR_CODES, refusal } from '../monitoring/door/json-rpc.ts';
import type { RefusalCause } from '../monitoring/audit/audit.ts';
import type { ErrorReason } from '../tools/reasons.ts';
import { sendJson } from './responses.ts';

/** An HTTP request that was not carried out, in words for whoever made it. */
export interface Problem {
  readonly status: number;
  readonly detail: string;
  readonly toolName?: string;
  readonly reason?: ErrorReason;
  readonly headers?: Readonly<Record<string, string>>;
  /** The scopes that a token for it needs, where it was refused for want of them. */
  readonly scopes?: readonly string[];
  /** Why it was refused, where that is a decision on who asks: those that are told to {@link tellRefusals}. */
  readonly refusedFor?: RefusalCause;
  /** Of the JSON-RPC error, where the status does not tell. */
  readonly code?: number;
  /** What more the JSON-RPC error says. */
  readonly data?: unknown;
  /** Of the JSON-RPC request, where it is known. */
  readonly id?: string | number;
}

/**
 * Mounted at a path whose clients read JSON-RPC, before all that may refuse a request: problems there are written as
 * JSON-RPC errors.
 */
export const problemsInJsonRpc: RequestHandler = (request, response, next) => {
  // `app.use` also matches longer paths; `/` means exactly this one.
  if (request.path === '/') response.locals[IN_JSON_RPC] = true;
  next();
};

const IN_JSON_RPC = 'problemsInJsonRpc';

type OnRefusal = (request: Request, response: Response, cause: RefusalCause, status: number) => void;

const ON_REFUSAL = 'onRefusal';

/** Has each refusal told that is a decision on who asks. */
export function tellRefusals(app: Express, onRefusal: OnRefusal): void {
  app.locals[ON_REFUSAL] = onRefusal;
}

/** Tells of a refusal, by whatever it is answered. */
export function noticeRefusal(request: Request, response: Response, { refusedFor, status }: Problem): void {
  if (refusedFor === undefined) return;
  (request.app.locals[ON_REFUSAL] as OnRefusal | undefined)?.(request, response, refusedFor, status);
}

/**
 * Answers with the one error body of the REST API, `{error, detail, tool_name, reason}`, or with a JSON-RPC error where
 * {@link problemsInJsonRpc} stands.
 */
export function sendProblem(request: Request, response: Response, problem: Problem): void {
  const { status, detail, toolName = null, reason = null, headers = {}, code, id = null, data } = problem;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  noticeRefusal(request, response, problem);
  closeAfterBody(request, response);
  response.status(status).set(headers);
  sendJson(
    response,
    response.locals[IN_JSON_RPC] === true
      ? refusal(code ?? codeOf(status), detail, id, data)
      : { error: STATUS_CODES[status] ?? 'Error', detail, tool_name: toolName, reason },
  );
}

function codeOf(status: number): number {
  if (status >= 500) return ERROR_CODES.internalError;
  return status === 400 ? ERROR_CODES.parseError : ERROR_CODES.invalidRequest;
}

/**
 * Puts off the end of the connection, where there is to be one, until the client has sent its whole body. To close it
 * right after the answer, as Node does, would reset the connection, and a client that sends all before it reads would
 * not see the answer.
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

/**
 * Stands after the handlers of a path: refuses the methods that none of them took.
 * @param hint what the client may have meant, as ends the message
 */
export const wrongMethod =
  (allow: string, hint = ''): RequestHandler =>
  (request, response) => {
    const detail = `${request.path} answers ${allow} only${hint}`;
    sendProblem(request, response, { status: 405, detail, headers: { allow } });
  };

export const notFound =
  (detail: string): RequestHandler =>
  (request, response) => {
    sendProblem(request, response, { status: 404, detail });
  };
