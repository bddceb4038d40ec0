import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import type { FollowCalls, TraceInThread } from '../../tools/worker.ts';
import { followHttpRequests, type HttpRequest, type TraceHeaders } from './outgoing-requests.ts';

/** What a thread tells of a request: that it is sent, then what became of it. */
export type RequestNews = WhatHappened & {
  readonly spanId: string;
  /** Milliseconds since 1970. */
  readonly at: number;
};

type WhatHappened =
  { readonly request: HttpRequest } | { readonly status: number } | { readonly errorType: string };

interface FollowedCall extends TraceInThread {
  over: boolean;
}

/**
 * Follows the HTTP requests of calls in this thread, which loads the module for that at its first call that is traced. Call
 * once.
 */
export const followCalls: FollowCalls = () => {
  const running = new AsyncLocalStorage<FollowedCall>();
  followHttpRequests((request) => {
    const call = running.getStore();
    // What is sent after the call nobody would be told of.
    if (!call || call.over) return undefined;
    const spanId = randomBytes(8).toString('hex');
    const tell = (what: WhatHappened): void => {
      call.port.postMessage({ spanId, at: Date.now(), ...what } satisfies RequestNews);
    };
    tell({ request });
    const parent = call.parent as TraceHeaders;
    return {
      headers: { ...parent, traceparent: withSpan(parent.traceparent, spanId) },
      answered(status) {
        tell({ status });
      },
      failed(errorType) {
        tell({ errorType });
      },
    };
  });
  return async (trace, work) => {
    const call = { ...trace, over: false };
    try {
      return await running.run(call, work);
    } finally {
      call.over = true;
    }
  };
};

/** A `traceparent` of the same trace with another parent id (W3C Trace Context, section 3.2). */
const withSpan = (traceparent: string, spanId: string): string =>
  traceparent.replace(/^(\w+-\w+)-\w+-/, `$1-${spanId}-`);
