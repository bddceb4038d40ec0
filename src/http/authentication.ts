import { createHash, timingSafeEqual } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import type { AuthFailureReason } from '../monitoring/labels.ts';
import type { Caller } from '../tools/call.ts';
import type { RegisteredTool } from '../tools/registry.ts';
import { isNamed } from '../tools/selection.ts';
import { sendProblem, type Problem } from './problem.ts';

/** A bearer token and what it is good for. */
export interface Token {
  /** For logs and quotas; not secret. */
  readonly name: string;
  readonly token: string;
  /** Names of the tools and toolsets its bearer may use; all when left out. */
  readonly tools?: readonly string[] | undefined;
}

/** Who a request comes from, or why that cannot be said. The one seam where other kinds of tokens may join. */
export type Authenticate = (request: Request) => Caller | AuthFailureReason;

/** Takes every request for its client address, and lets it use all tools. */
export const anonymous: Authenticate = ({ ip = 'unknown' }) => ({
  name: 'anonymous',
  quotaKey: ip,
  mayUse: () => true,
});

/** Takes requests with one of the given tokens (RFC 6750, Authorization header), for what of the tools each is good for. */
export function bearer(tokens: readonly Token[], all: readonly RegisteredTool[]): Authenticate {
  const known = tokens.map(({ name, token, tools = ['*'] }) => {
    const allowed = new Set(
      all.filter((tool) => isNamed(tools, tool.toolset, tool.name)).map((tool) => tool.name),
    );
    const caller: Caller = { name, quotaKey: `token:${name}`, mayUse: (tool) => allowed.has(tool) };
    return { digest: digestOf(token), caller };
  });
  return ({ headers: { authorization } }) => {
    if (authorization === undefined) return 'missing';
    const presented = /^bearer +([\w.~+/-]+=*) *$/i.exec(authorization)?.[1];
    if (presented === undefined) return 'malformed';
    const digest = digestOf(presented);
    // Every token is compared, whole, so that the time taken tells nothing about any of them.
    const [match] = known.filter((candidate) => timingSafeEqual(candidate.digest, digest));
    return match?.caller ?? 'unknown_token';
  };
}

const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest();

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
  return (request, response, next) => {
    const caller = authenticate(request);
    if (typeof caller !== 'string') {
      response.locals[CALLER] = caller;
      next();
      return;
    }
    onFailure(caller);
    // RFC 6750 section 3.1: no error code when no credentials were given.
    const challenge = `Bearer realm="nexus-mcp"${caller === 'missing' ? '' : ', error="invalid_token"'}`;
    refuse(request, response, {
      status: 401,
      detail: DETAILS[caller],
      headers: { 'www-authenticate': challenge },
    });
  };
}

const CALLER = 'caller';

/** The caller of a request that passed {@link requireCaller}. */
export function callerOf(response: Response): Caller {
  return response.locals[CALLER] as Caller;
}
