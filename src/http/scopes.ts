import type { Challenges } from '../authorization/challenges.ts';
import type { Problem } from './problem.ts';

/** A problem with the header that says which scopes would do, where some would (RFC 6750, section 3.1). */
export function challenged(problem: Problem, challenges: Challenges): Problem {
  const { scopes, headers } = problem;
  if (!scopes) return problem;
  return { ...problem, headers: { ...headers, 'www-authenticate': challenges.insufficientScope(scopes) } };
}
