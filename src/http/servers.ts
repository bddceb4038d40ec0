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

const nameIn = ({ params }: Request): string => String(params['name']);

function notAllowed(name: string, caller: Caller): Problem {
  const scopes = scopesFor(caller, (holder) => mayUseServer(holder, name));
  return {
    status: 403,
    refusedFor: scopes ? 'insufficient_scope' : 'denied',
    detail: `You may not use all of ${name}, as whoever speaks to it here could; the tools of it that you may use are at /mcp`,
    ...(scopes && { scopes }),
  };
}
