import type { OperationSpan } from '../traces/tracing.ts';
import type { RpcRequest } from './message.ts';
import type { Peer } from './peer.ts';

/** A request that has been received, until it is answered or dropped: the one place where it is kept in hand. */
export interface Pending<Held = unknown> {
  readonly request: RpcRequest;
  /** What came with it, such as the HTTP request. */
  readonly extra: unknown;
  readonly startedAt: number;
  /** Who sent it: what it says itself, else what its connection's `initialize` said. */
  readonly peer: Peer;
  readonly span: OperationSpan | undefined;
  /** What whoever serves it keeps with it. */
  held?: Held;
  /** What is being carried out for it. */
  readonly running: Running<Held>;
}

/**
 * What is being carried out. It is all that the asynchronous context has of a request: a timer or a socket that is made there has the
 * context for as long as it lives, and is not to keep the request, once that is answered.
 */
export interface Running<Held> {
  pending: Pending<Held> | undefined;
}
