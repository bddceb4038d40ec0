import { ERROR_CODES, type Refusal } from '../../monitoring/door/json-rpc.ts';
import { failed, type Failure } from '../../tools/call.ts';
import { ERROR_REASONS } from '../../tools/reasons.ts';
import type { Fault } from '../fault.ts';
import { ofFault } from '../outcomes.ts';
import type { Message } from './messages.ts';

/** The refusal of requests that failed; of several, as in a batch, no id is told. */
export function refusalOf(failure: Failure, requests: readonly { readonly id: string | number }[]): Refusal {
  const { reason, message, retryAfterSeconds } = failure;
  // Within a session 404 would say that it is gone.
  const status = reason === 'denied' ? 200 : ERROR_REASONS[reason].httpStatus;
  return {
    status,
    code:
      reason === 'denied'
        ? ERROR_CODES.invalidParams
        : status < 500
          ? ERROR_CODES.invalidRequest
          : ERROR_CODES.internalError,
    detail: message,
    data: dataOf(failure),
    ...idOf(requests),
    ...(retryAfterSeconds !== undefined && {
      headers: { 'retry-after': String(Math.ceil(retryAfterSeconds)) },
    }),
  };
}

/** Why requests failed that an upstream answered by such a status: one that it refused for what it is, is its client's to mend. */
export const failureOf = (fault: Fault, name: string): Failure =>
  fault.isFinal
    ? failed('invalid_arguments', `The upstream ${name} refuses the request: ${fault.message}.`)
    : ofFault(fault, name);

/** As much of an id is said back. */
const MAX_ID = 256;

/** The id of the only request, if it is short enough to be said back. */
function idOf([only, another]: readonly { readonly id: string | number }[]): Pick<Refusal, 'id'> {
  return only && !another && String(only.id).length <= MAX_ID ? { id: only.id } : {};
}

const dataOf = ({ reason, retryAfterSeconds }: Failure) => ({
  reason,
  retryable: ERROR_REASONS[reason].retryable,
  ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
});

/** The same in a stream that has begun: an answer to a request that gets no other. */
export const errorEvent = (failure: Failure, { id }: Message): string => {
  const error = { code: ERROR_CODES.internalError, message: failure.message, data: dataOf(failure) };
  return `event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', id, error })}\n\n`;
};

/** JSON-RPC 2.0, section 5.1: a request that is none has no id that could be told. */
export const invalidRequest = (detail: string): Refusal => ({
  status: 400,
  code: ERROR_CODES.invalidRequest,
  detail,
});

/** MCP 2025-11-25, "Session Management": a client then begins a new one. */
export const sessionNotFound = (requests: readonly { readonly id: string | number }[]): Refusal => ({
  status: 404,
  code: ERROR_CODES.invalidRequest,
  detail:
    'There is no such session: it is not one of this server, or not yours; begin a new one with initialize',
  ...idOf(requests),
});
