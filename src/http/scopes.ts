import type { RequestHandler } from 'express';
import type { Challenges } from '../authorization/challenges.ts';
import { mayWatch, scopesFor } from '../authorization/rights.ts';
import { callerOf } from './authentication.ts';
import { sendProblem, type Problem } from './problem.ts';

/** A problem with the header that says which scopes would do, where some would (RFC 6750, section 3.1). */
export function challenged(problem: Problem, challenges: Challenges): Problem {
  const { scopes, headers } = problem;
  if (!scopes) return problem;
  return { ...problem, headers: { ...headers, 'www-authenticate': challenges.insufficientScope(scopes) } };
}

/** Stands behind the guard, before what says how all callers fare: lets only those pass who may know. */
export const requireWatcher =
  (challenges: Challenges): RequestHandler =>
  (request, response, next) => {
    const caller = callerOf(response);
    if (mayWatch(caller)) {
      next();
      return;
    }
    const scopes = scopesFor(caller, ({ rights }) => mayWatch({ id: caller.id, rights }));
    const problem: Problem = {
      status: 403,
      refusedFor: scopes ? 'insufficient_scope' : 'denied',
      detail: 'Metrics and the status page are for static tokens, and for accounts that may use all tools',
      ...(scopes && { scopes }),
    };
    sendProblem(request, response, challenged(problem, challenges));
  };
