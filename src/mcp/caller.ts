import type { AuthInfo } from '@modelcontextprotocol/server';
import type { TransportName } from '../monitoring/labels.ts';
import type { Caller } from '../tools/call.ts';

/** Wraps a caller for its way through the SDK, which passes `AuthInfo` from the HTTP request to the handlers. */
export function authInfoOf(caller: Caller): AuthInfo {
  // The token itself stays behind: nothing past the guard needs it.
  return { token: '', clientId: caller.name, scopes: [], extra: { caller } };
}

/** The caller that {@link authInfoOf} wrapped; on stdio, which has no HTTP request, the user of this process. */
export function callerIn(authInfo: AuthInfo | undefined, transport: TransportName): Caller {
  if (transport === 'stdio') return STDIO_CALLER;
  const caller = authInfo?.extra?.['caller'] as Caller | undefined;
  if (!caller) throw new Error('a request passed the guards without a caller');
  return caller;
}

const STDIO_CALLER: Caller = { name: 'stdio', quotaKey: 'stdio', mayUse: () => true };
