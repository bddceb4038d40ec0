import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import type { FollowInThread } from '../tools/worker.ts';
import { followHttpRequests, type HttpRequest, type TraceHeaders } from './http-requests.ts';

/** What a thread tells of a request: that it is sent, then what became of it. */
export type RequestNews = WhatHappened & {
  readonly spanId: string;
  /** Milliseconds since 1970. */
  readonly at: number;
};

type WhatHappened =
  { readonly request: HttpRequest } | { readonly status: number } | { readonly errorType: string };

interface FollowedCall {
  /** Names the span of the step that runs the call. */
  readonly parent: TraceHeaders;
  tell(news: RequestNews): void;
}

/**
 * Follows the HTTP requests of this thread, which loads the module for that at its first call that is traced. Call once.
 * @returns what runs a call so that its requests are told of
 */
export function followCalls(): FollowInThread {
  const running = new AsyncLocalStorage<FollowedCall>();
  followHttpRequests(({ origin, path, method }) => {
    const call = running.getStore();
    if (!call) return undefined;
    const spanId = randomBytes(8).toString('hex');
    const tell = (what: WhatHappened): void => {
      call.tell({ spanId, at: Date.now(), ...what });
    };
    tell({ request: { origin, path, method } });
    return {
      headers: { ...call.parent, traceparent: withSpan(call.parent.traceparent, spanId) },
      answered(status) {
        tell({ status });
      },
      failed(errorType) {
        tell({ errorType });
      },
    };
  });
  return (parent, tell, work) => running.run({ parent: parent as TraceHeaders, tell }, work);
}

/** A `traceparent` of the same trace with another parent id (W3C Trace Context, section 3.2). */
const withSpan = (traceparent: string, spanId: string): string =>
  traceparent.replace(/^(\w+-\w+)-\w+-/, `$1-${spanId}-`);
