import type { Request } from 'express';
import type { Caller } from '../authorization/caller.ts';
import { mayUseServer, scopesFor } from '../authorization/rights.ts';
import { excessOfMessages } from '../monitoring/door/envelope.ts';
import type { Relay } from '../upstream/relay/relay.ts';
import type { McpRouteOptions } from './mcp.ts';
import type { Problem } from './problem.ts';

/** The relays of upstreams, by name. */
export interface Relays {
  readonly relay: (name: string) => Pick<Relay, 'serve'> | undefined;
}

/**
 * Passes what is said there on, for callers who may use all of an upstream.
 * @param onInsufficientScope told of those whom another scope would let
 */
export const servesUpstreams = (
  { relay }: Relays,
  onInsufficientScope: () => void,
): Pick<McpRouteOptions, 'serve' | 'excessIn'> => ({
  excessIn: excessOfMessages,
  async serve(request, response, message) {
    const name = nameIn(request);
    const found = relay(name);
    if (!found) return { status: 404, detail: 'There is no such server here' };
    if (!mayUseServer(message.caller, name)) {
      const problem = notAllowed(name, message.caller);
      if (problem.scopes) onInsufficientScope();
      return problem;
    }
    return found.serve(request, response, message);
  },
});

const nameIn = ({ params }: Request): string => String(params['name']);

function notAllowed(name: string, caller: Caller): Problem {
  const scopes = scopesFor(caller, (holder) => mayUseServer(holder, name));
  return {
    status: 403,
    detail: `This address needs the right to all tools of ${name}; the tools that you may use are at /mcp`,
    ...(scopes && { scopes }),
  };
}
