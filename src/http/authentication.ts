import type { Request, RequestHandler, Response } from 'express';
import type { Authenticate, RefusalReason } from '../authorization/authentication.ts';
import type { Caller } from '../authorization/caller.ts';
import type { Challenges } from '../authorization/challenges.ts';
import { clientOf } from '../authorization/client-address.ts';
import { sendProblem, type Problem } from './problem.ts';

const DETAILS: Record<RefusalReason, string> = {
  missing: 'A bearer token is needed: send Authorization: Bearer <token>',
  malformed: 'The Authorization header must be: Bearer <token>, with an access token',
  expired: 'The token has expired, or is not valid yet: get a new one',
  wrong_audience: 'The token is for another server: ask for one with the resource of this server',
  wrong_issuer: 'This server does not accept tokens of this issuer',
  bad_signature: 'The signature of the token is not valid, or its algorithm is not accepted',
  unknown_key: 'The token is signed with a key that its issuer does not publish: get a new one',
  keys_unavailable: 'The server has no keys to verify the token with now: try again with the same token',
  unknown_token: 'The bearer token is not valid',
};

/** Until keys have been asked for again, in seconds. */
const KEYS_RETRY_SECONDS = 30;

/**
 * A token that cannot be verified for want of keys may be good. 401 would have its client throw it away, and all clients ask for new
 * ones at once of an issuer that is in trouble; 503 says whose fault it is.
 */
const KEYS_UNAVAILABLE: Problem = {
  status: 503,
  detail: DETAILS.keys_unavailable,
  refusedFor: 'keys_unavailable',
  headers: { 'retry-after': String(KEYS_RETRY_SECONDS) },
};

/** What a request asks for, as clients of OAuth know it. */
export interface Asked {
  readonly challenges: Challenges;
  /** Its URL, where that is not the resource of the settings. */
  readonly resource?: string | undefined;
}

/**
 * Lets only authenticated requests pass, and puts their caller where {@link callerOf} finds it.
 * @param refuse answers the others
 */
export function requireCaller(
  authenticate: Authenticate,
  askedBy: (request: Request) => Asked,
  refuse: (request: Request, response: Response, problem: Problem) => void = sendProblem,
): RequestHandler {
  return async (request, response, next) => {
    const { authorization } = request.headers;
    const asked = askedBy(request);
    const { resource } = asked;
    const authenticated = await authenticate({ authorization, address: addressOf(request), resource });
    if (authenticated.ok) {
      response.locals[CALLER] = authenticated.caller;
      next();
      return;
    }
    const { reason } = authenticated;
    const problem: Problem =
      reason === 'keys_unavailable'
        ? KEYS_UNAVAILABLE
        : {
            status: 401,
            detail: DETAILS[reason],
            refusedFor: reason,
            headers: { 'www-authenticate': asked.challenges.unauthorized(reason) },
          };
    refuse(request, response, problem);
  };
}

/**
 * The client's address, as far as proxies that are believed know it: where one of them forwards junk, that of the nearest to
 * the client that has an address.
 */
export function addressOf(request: Request): string {
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

/** The caller of a request that may not have got so far. */
export const knownCallerOf = (response: Response): Caller | undefined =>
  response.locals[CALLER] as Caller | undefined;
