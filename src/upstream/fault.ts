import { ProtocolError, SdkError, SdkErrorCode, SdkHttpError } from '@modelcontextprotocol/client';
import { ERROR_CODES, SDK_ERROR_CODES } from '../monitoring/door/json-rpc.ts';
import type { Failure } from '../tools/call.ts';
import type { FaultKind } from './labels.ts';

/** Those that say that the upstream is ill; the others are about one request. */
const ILL: ReadonlySet<FaultKind> = new Set(['connection', 'timeout', 'server', 'session_lost', 'broken']);

/** What an upstream did in place of answering. */
export class Fault extends Error {
  override name = 'Fault';
  readonly kind: FaultKind;
  /** The HTTP status by which the request was refused, where that may be for the connection that it came on. */
  readonly status: number | undefined;
  /** Whether it is for the size of the request, and so of the arguments of a call. */
  readonly isOfSize: boolean;
  /** Whether the request may be taken later as it is. */
  readonly isForNow: boolean;
  /** How long the upstream wants not to be asked again, in seconds; missing where it does not say. */
  readonly retryAfter: number | undefined;

  /** @param why in words for a person; nothing that the upstream sent is in it */
  constructor(
    kind: FaultKind,
    why: string,
    {
      status,
      isOfSize = false,
      isForNow = false,
      retryAfter,
    }: Partial<Pick<Fault, 'status' | 'isOfSize' | 'isForNow' | 'retryAfter'>> = {},
  ) {
    super(why);
    this.kind = kind;
    this.status = status;
    this.isOfSize = isOfSize;
    this.isForNow = isForNow;
    this.retryAfter = retryAfter;
  }

  /** Whether it counts against the upstream. */
  get isIllness(): boolean {
    return ILL.has(this.kind);
  }

  /** Whether to ask again for the same would be in vain, as long as the same server answers. */
  get isFinal(): boolean {
    return this.kind === 'refused' && !this.isForNow;
  }
}

/** Why something that was wanted of an upstream failed, as a fault. */
export function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  return error instanceof ProtocolError
    ? new Fault('refused', 'it answers with an error of JSON-RPC', { isForNow: !OF_REQUEST.has(error.code) })
    : new Fault('broken', 'what it sent cannot be read');
}

/** By which servers say that they do not have what was asked for. */
const OF_REQUEST: ReadonlySet<number> = new Set([ERROR_CODES.methodNotFound, ERROR_CODES.invalidParams]);

/** By which servers say that they are of another era, or that a session has not begun: MCP has no code for that one. */
const OF_CONNECTION: ReadonlySet<number> = new Set([
  ERROR_CODES.unsupportedProtocolVersion,
  ERROR_CODES.invalidRequest,
  SDK_ERROR_CODES.serverError,
]);

/**
 * Whether a request may have failed because who answers now is not who was connected to: the session is gone, or there is another
 * release, of another era. To connect anew tells.
 */
export function mayBeStale(error: unknown): boolean {
  if (error instanceof ProtocolError) return OF_CONNECTION.has(error.code);
  return error instanceof Fault && (error.kind === 'session_lost' || error.status !== undefined);
}

/** That an upstream said nothing for so long. */
export const noAnswerWithin = (seconds: number): Fault =>
  new Fault('timeout', `no answer within ${seconds} s`);

/** That who asked does not wait for the answer any more. */
const givenUp = (): Fault => new Fault('given_up', 'the call was given up');

/**
 * Why a call was ended here, by the signal that says so.
 * @param seconds how long a call may take
 */
export function endedBy({ reason }: AbortSignal, seconds: number): Fault {
  if (reason instanceof Fault) return reason;
  return (reason as Failure).reason === 'timeout' ? noAnswerWithin(seconds) : givenUp();
}

/** That what an upstream answered is no answer to what it was asked. */
export const noAnswer = (): Fault => new Fault('broken', 'it answered, but not to what it was asked');

/**
 * What the SDK rejects with, as a fault; `undefined` for a JSON-RPC error, which is an answer.
 * @param inSession whether the request belonged to a session, which a 404 says is gone
 */
export function faultOf(error: unknown, inSession: boolean): Fault | undefined {
  if (error instanceof Fault) return error;
  if (error instanceof ProtocolError) return undefined;
  if (error instanceof SdkHttpError) return ofStatus(error.status, inSession);
  if (error instanceof SdkError && error.cause instanceof Fault) return error.cause;
  if (error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout)
    return new Fault('timeout', 'no answer in time');
  if (error instanceof SdkError && error.code === SdkErrorCode.ConnectionClosed)
    return new Fault('connection', 'the connection was closed');
  return new Fault('broken', 'its answer is not one that MCP knows');
}

/** What HTTP says of the size of a body, of an address and of headers. */
const TOO_LARGE: ReadonlySet<number> = new Set([413, 414, 431]);

/** What HTTP says of a request that may be taken later as it is (RFC 9110, section 15.5.9; RFC 6585, section 4). */
const FOR_NOW: ReadonlySet<number> = new Set([408, 429]);

/**
 * What a status that is none of success says.
 * @param inSession whether the request belonged to a session, which a 404 says is gone
 * @param retryAfter how long the upstream wants not to be asked again, in seconds
 */
export function ofStatus(status: number, inSession: boolean, retryAfter?: number): Fault {
  const why = `HTTP ${status}`;
  if (status === 401 || status === 403)
    return new Fault('unauthorized', `${why}: it refuses our credentials`);
  if (status === 404 && inSession) return new Fault('session_lost', `${why}: it does not know its session`);
  if (status >= 500) return new Fault('server', why, { retryAfter });
  if (FOR_NOW.has(status)) return new Fault('refused', why, { isForNow: true, retryAfter });
  if (TOO_LARGE.has(status))
    return new Fault('refused', `${why}: the request is too large for it`, { isOfSize: true });
  const hint = status === 404 ? ': there is nothing at the path of its URL' : '';
  return new Fault('refused', why + hint, { status });
}

/** In words, by the codes of Node and undici. */
const CODES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  ENOTFOUND: 'its name cannot be resolved',
  EAI_AGAIN: 'its name cannot be resolved now',
  EHOSTUNREACH: 'no route to it',
  ENETUNREACH: 'no route to it',
  ETIMEDOUT: 'no connection in time',
  EPIPE: 'connection closed',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  UND_ERR_SOCKET: 'connection closed',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS, which https in its URL wants',
};

/** What undici throws, as a fault. */
export function ofConnection(error: unknown): Fault {
  if (error instanceof Fault) return error;
  if (error instanceof Error && error.name === 'TimeoutError')
    return new Fault('timeout', 'no answer in time');
  const code = codeOf(error);
  if ((error instanceof Error && error.name === 'HTTPParserError') || code === 'UND_ERR_HEADERS_OVERFLOW')
    return new Fault('broken', 'its answer is not HTTP');
  // Those of TLS say more than we could, and nothing that is secret.
  return new Fault('connection', CODES[code ?? ''] ?? `no connection (${code ?? 'unknown error'})`);
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  return codeOf(error.cause);
}
