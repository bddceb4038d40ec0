import { toolNameOf, isRequest, type RpcRequest } from '../monitoring/door/message.ts';
import type { Catalogue } from '../tools/catalogue.ts';
import { denialOf } from '../tools/denial.ts';
import type { Failure } from '../tools/call.ts';
import type { Sender } from './sender.ts';

/**
 * Why a call needs further scopes, if it does and its answer may still be 403. One of a batch is refused in the answer, and one
 * beyond its caller's quota by the executor.
 */
export function scopesMissing(
  body: unknown,
  { caller, waitSeconds = 0 }: Sender,
  catalogue: Pick<Catalogue, 'get'>,
): { readonly request: RpcRequest; readonly denial: Failure } | undefined {
  // Of most callers none changes anything.
  if (!caller.scopes || waitSeconds > 0) return undefined;
  if (typeof body !== 'object' || body === null || !isRequest(body) || body.method !== 'tools/call')
    return undefined;
  const tool = catalogue.get(toolNameOf(body));
  const denial = tool && denialOf(caller, tool);
  return denial?.scopes ? { request: body, denial } : undefined;
}
