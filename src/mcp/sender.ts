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

/** Who reads the answer of a request. */
export interface Reader {
  /** Whether it reads a stream of messages, and not only an answer. */
  readonly takesStreams: boolean;
  /** Whether it has read what was sent to it, so that more would not only lie in memory. */
  readonly keepsUp: () => boolean;
}

/** A sender, and how it goes through the SDK. */
export interface WrappedSender {
  readonly sender: Sender;
  readonly authInfo: AuthInfo;
}

/** Wraps a sender for its way through the SDK, which passes `AuthInfo` from the HTTP request to the handlers. */
export function authInfoOf(sender: Sender, reader: Reader): AuthInfo {
  // The token itself stays behind: nothing past the guard needs it.
  return { token: '', clientId: sender.caller.id, scopes: [], extra: { sender, reader } };
}

/** The reader that {@link authInfoOf} wrapped, if one was. */
export const readerIn = (authInfo: AuthInfo | undefined): Reader | undefined =>
  authInfo?.extra?.['reader'] as Reader | undefined;

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
