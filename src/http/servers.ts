import type { Request } from 'express';
import type { Caller } from '../authorization/caller.ts';
import { challengesFor } from '../authorization/challenges.ts';
import { metadataUrlOf, relayOf } from '../authorization/protected-resource.ts';
import { mayUseServer, scopesFor } from '../authorization/rights.ts';
import { excessOfMessages } from '../monitoring/door/envelope.ts';
import type { Relay } from '../upstream/relay/relay.ts';
import type { Asked } from './authentication.ts';
import type { McpRouteOptions } from './mcp.ts';
import type { Problem } from './problem.ts';

/** The relays of upstreams, by name. */
export interface Relays {
  readonly relay: (name: string) => Pick<Relay, 'serve'> | undefined;
}

/** Passes what is said there on, for callers who may use all of an upstream. */
export const servesUpstreams = ({ relay }: Relays): Pick<McpRouteOptions, 'serve' | 'excessIn'> => ({
  excessIn: excessOfMessages,
  async serve(request, response, message) {
    const name = nameIn(request);
    const found = relay(name);
    if (!found) return { status: 404, detail: 'There is no such server here' };
    if (!mayUseServer(message.caller, name)) return notAllowed(name, message.caller);
    return found.serve(request, response, message);
  },
});

/** What a request for a whole upstream asks for: a resource of its own, where its URL can be told. */
export function asksForServer(known: Asked, resource: string | undefined): (request: Request) => Asked {
  return (request) => {
    const own = resource === undefined ? undefined : relayOf(resource, nameIn(request));
    if (own === undefined) return known;
    return {
      resource: own,
      // Few requests are refused.
      get challenges() {
        return challengesFor(metadataUrlOf(own));
      },
    };
  };
}

const nameIn = ({ params }: Request): string => String(params['name']);

function notAllowed(name: string, caller: Caller): Problem {
  const scopes = scopesFor(caller, (holder) => mayUseServer(holder, name));
  return {
    status: 403,
    refusedFor: scopes ? 'insufficient_scope' : 'denied',
    detail: `This address needs the right to all tools of ${name}; the tools that you may use are at /mcp`,
    ...(scopes && { scopes }),
  };
}
