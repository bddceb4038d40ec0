import type { Caller } from '../authorization/caller.ts';
import { mayUse, scopesFor } from '../authorization/rights.ts';
import { failed, type Failure } from './call.ts';

/** Told to observers alone: to a caller whom no scope would help, a tool that it may not use is none. */
export const denied = failed('denied', 'The caller may not use the tool.');

/** Why a caller may not use a tool, if it may not. */
export function denialOf(
  caller: Caller,
  tool: { readonly name: string; readonly toolset: string },
): Failure | undefined {
  if (mayUse(caller, tool)) return undefined;
  const scopes = scopesFor(caller, (holder) => mayUse(holder, tool));
  if (!scopes) return denied;
  return failed(
    'denied',
    `The token may not use ${tool.name}; one may that has the scopes: ${scopes.join(' ')}`,
    {
      scopes,
    },
  );
}
