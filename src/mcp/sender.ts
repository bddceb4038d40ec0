import type { AuthInfo } from '@modelcontextprotocol/server';
import { trustedCaller, type Caller } from '../authorization/caller.ts';
import type { TransportName } from '../monitoring/metrics/labels.ts';

/** Who sent a request, and the id it goes by in logs. */
export interface Sender {
  readonly caller: Caller;
  readonly requestId: string;
  /** Seconds until the request would be within its caller's quota, 0 for one that is; over stdio nobody has asked. */
  readonly waitSeconds?: number;
}

/**
 * Wraps a sender for its way through the SDK, which passes `AuthInfo` from the HTTP request to the handlers.
 * @param takesStreams whether its client reads a stream of messages, and not only an answer
 */
export function authInfoOf(sender: Sender, takesStreams: boolean): AuthInfo {
  // The token itself stays behind: nothing past the guard needs it.
  return { token: '', clientId: sender.caller.id, scopes: [], extra: { sender, takesStreams } };
}

/** Whether the client of a request can be told something before the answer. */
export const takesStreams = (authInfo: AuthInfo | undefined): boolean =>
  authInfo?.extra?.['takesStreams'] !== false;

/** The sender that {@link authInfoOf} wrapped; on stdio, which has no HTTP request, the user of this process. */
export function senderIn(
  authInfo: AuthInfo | undefined,
  transport: TransportName,
  newRequestId: () => string,
): Sender {
  if (transport === 'stdio') return { caller: trustedCaller('stdio'), requestId: newRequestId() };
  const sender = authInfo?.extra?.['sender'] as Sender | undefined;
  if (!sender) throw new Error('a request passed the guards without a sender');
  return sender;
}
