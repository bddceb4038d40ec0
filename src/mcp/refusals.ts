import type { Failure } from '../tools/call.ts';
import { ERROR_CODES, type Refusal } from '../monitoring/door/json-rpc.ts';
import { fieldOf } from '../monitoring/door/message.ts';
import type { SessionProblem } from './sessions.ts';
import { unsupportedVersion } from './words.ts';

/** MCP 2026-07-28, "Protocol Version"; in earlier revisions any 400 says as much. */
export function notServed(version: string, isStateless: boolean): Refusal {
  const { message, ...error } = unsupportedVersion(version, isStateless);
  return { status: 400, ...error, detail: message };
}

/**
 * Why a request of the stateless era cannot be meant, if it cannot. The SDK would quote the whole of it, twice, where a
 * header does not say the same.
 */
export function tooLongName(body: unknown): Refusal | undefined {
  const params = fieldOf(body, 'params');
  const found = NAMES.find((name) => {
    const text = fieldOf(name === 'method' ? body : params, name);
    return typeof text === 'string' && text.length > MAX_NAME;
  });
  return found === undefined
    ? undefined
    : {
        status: 400,
        code: ERROR_CODES.invalidRequest,
        detail: `The ${found} is longer than ${MAX_NAME} characters`,
      };
}

const NAMES = ['method', 'name', 'uri'] as const;
const MAX_NAME = 1000;

/** What the session layer would take for a request without a session. */
export const invalidInitialize = (detail: string): Refusal => ({
  status: 400,
  code: ERROR_CODES.invalidParams,
  detail,
});

/** RFC 9110, section 15.5.7. */
export const notAcceptable = (missing: readonly string[]): Refusal => ({
  status: 406,
  code: ERROR_CODES.invalidRequest,
  detail: `The Accept header must allow ${missing.join(' and ')}`,
});

/** MCP 2026-07-28 and 2025-11-25, "Authorization": "Scope Challenge Handling". */
export const insufficientScope = ({ message, reason, scopes = [] }: Failure): Refusal => ({
  status: 403,
  code: ERROR_CODES.invalidRequest,
  detail: message,
  data: { reason, scopes },
  scopes,
});

/** Why a session did not serve a request. */
export function refusalBySession(problem: SessionProblem): Refusal {
  const refusal = REFUSALS[problem.kind];
  if (problem.kind === 'id_in_use') return { ...refusal, id: problem.id };
  if (problem.kind === 'full') return { ...refusal, headers: { 'retry-after': String(problem.waitSeconds) } };
  if (problem.kind === 'not_found')
    return { ...refusal, ...(problem.refusedFor && { refusedFor: problem.refusedFor }) };
  return refusal;
}

type Kind = SessionProblem['kind'] | 'batch' | 'post_only';

// Statuses of sessions: MCP 2025-11-25, "Session Management".
export const REFUSALS: Record<Kind, Refusal> = {
  post_only: {
    status: 405,
    code: ERROR_CODES.invalidRequest,
    detail: 'GET and DELETE are for sessions of 2025-11-25 and earlier, and need the header Mcp-Session-Id',
    headers: { allow: 'POST' },
  },
  batch: {
    status: 400,
    code: ERROR_CODES.invalidRequest,
    detail: 'This revision of MCP has no batches: send one message in a request',
  },
  id_in_use: {
    status: 400,
    code: ERROR_CODES.invalidRequest,
    detail: 'Another request of this session with the same id is in flight: give each request its own id',
  },
  missing_id: {
    status: 400,
    code: ERROR_CODES.invalidRequest,
    detail:
      'The Mcp-Session-Id header is missing: begin a session with initialize, or send a 2026-07-28 request',
  },
  not_found: {
    status: 404,
    code: ERROR_CODES.invalidRequest,
    detail:
      'There is no such session: it has ended, is too old, or belongs to another server; begin a new one with initialize',
  },
  not_kept: {
    status: 400,
    code: ERROR_CODES.invalidRequest,
    detail:
      'This replica does not have the event of Last-Event-ID, so it cannot replay what came after it; another replica may have it',
  },
  asker_gone: {
    status: 409,
    code: ERROR_CODES.invalidRequest,
    detail:
      'The replica that asked cannot be reached, so the answer is lost; if that replica has ended, so has the call that asked',
  },
  asker_busy: {
    status: 503,
    code: ERROR_CODES.internalError,
    detail: 'Too many messages are on their way to the replica that asked; send the answer again',
    headers: { 'retry-after': '1' },
  },
  full: {
    status: 503,
    code: ERROR_CODES.internalError,
    detail: 'All sessions that the server can hold are in use; try again later',
  },
  closing: {
    status: 503,
    code: ERROR_CODES.internalError,
    detail: 'The server is shutting down; try again',
    headers: { 'retry-after': '1' },
  },
};
