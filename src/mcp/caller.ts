import type { AuthInfo } from '@modelcontextprotocol/server';
import { trustedCaller, type Caller } from '../authorization/caller.ts';
import type { TransportName } from '../monitoring/labels.ts';

/** Who sent a request, and the id it goes by in logs. */
export interface Origin {
  readonly caller: Caller;
  readonly requestId: string;
}

/** Wraps an origin for its way through the SDK, which passes `AuthInfo` from the HTTP request to the handlers. */
export function authInfoOf(origin: Origin): AuthInfo {
  // The token itself stays behind: nothing past the guard needs it.
  return { token: '', clientId: origin.caller.id, scopes: [], extra: { origin } };
}

/** The origin that {@link authInfoOf} wrapped; on stdio, which has no HTTP request, the user of this process. */
export function originIn(
  authInfo: AuthInfo | undefined,
  transport: TransportName,
  newRequestId: () => string,
): Origin {
  if (transport === 'stdio') return { caller: trustedCaller('stdio'), requestId: newRequestId() };
  const origin = authInfo?.extra?.['origin'] as Origin | undefined;
  if (!origin) throw new Error('a request passed the guards without an origin');
  return origin;
}
