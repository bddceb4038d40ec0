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
  readonly names: () => readonly string[];
}

/** Passes what is said there on, for callers who may use all of an upstream. */
export const servesUpstreams = ({ relay }: Relays): Pick<McpRouteOptions, 'serve' | 'excessIn'> => ({
  excessIn: excessOfMessages,
  async serve(request, response, message) {
    const name = nameIn(request);
    // Whether there is one of this name, only those learn who may use it.
    if (!mayUseServer(message.caller, name)) return notAllowed(name, message.caller);
    const found = relay(name);
    if (!found) return noSuchServer;
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

const noSuchServer: Problem = {
  status: 404,
  detail:
    'There is no such server here, or it needs the right to all of its tools; those that you may use are at /mcp',
};

function notAllowed(name: string, caller: Caller): Problem {
  const scopes = scopesFor(caller, (holder) => mayUseServer(holder, name));
  if (!scopes) return { ...noSuchServer, refusedFor: 'denied' };
  const detail =
    'This address needs the right to all tools of its server; those that you may use are at /mcp';
  return { status: 403, refusedFor: 'insufficient_scope', detail, scopes };
}
