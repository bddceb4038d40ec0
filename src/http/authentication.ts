import type { Request, RequestHandler, Response } from 'express';
import type { Authenticate, AuthFailureReason } from '../authorization/authentication.ts';
import type { Caller } from '../authorization/caller.ts';
import { clientOf } from '../authorization/client-address.ts';
import { sendProblem, type Problem } from './problem.ts';

const DETAILS: Record<AuthFailureReason, string> = {
  missing: 'A bearer token is needed: send Authorization: Bearer <token>',
  malformed: 'The Authorization header is not of the form: Bearer <token>',
  unknown_token: 'The bearer token is not valid',
};

/**
 * Lets only authenticated requests pass, and puts their caller where {@link callerOf} finds it.
 * @param refuse answers the others
 */
export function requireCaller(
  authenticate: Authenticate,
  onFailure: (reason: AuthFailureReason) => void,
  refuse: (request: Request, response: Response, problem: Problem) => void = sendProblem,
): RequestHandler {
  return async (request, response, next) => {
    const { authorization } = request.headers;
    const authenticated = await authenticate({ authorization, address: addressOf(request) });
    if (authenticated.ok) {
      response.locals[CALLER] = authenticated.caller;
      next();
      return;
    }
    const { reason } = authenticated;
    onFailure(reason);
    // RFC 6750 section 3.1: no error code when no credentials were given.
    const challenge = `Bearer realm="nexus-mcp"${reason === 'missing' ? '' : ', error="invalid_token"'}`;
    refuse(request, response, {
      status: 401,
      detail: DETAILS[reason],
      headers: { 'www-authenticate': challenge },
    });
  };
}

/**
 * The client's address, as far as proxies that are believed know it: where one of them forwards junk, that of the nearest to
 * the client that has an address.
 */
function addressOf(request: Request): string {
  const { remoteAddress = '' } = request.socket;
  // No proxy has said anything.
  if (request.headers['x-forwarded-for'] === undefined) return remoteAddress;
  const { ip = '', ips } = request;
  return [ip, ...ips, remoteAddress].find((address) => clientOf(address) !== undefined) ?? '';
}

const CALLER = 'caller';

/** The caller of a request that passed {@link requireCaller}. */
export function callerOf(response: Response): Caller {
  return response.locals[CALLER] as Caller;
}
