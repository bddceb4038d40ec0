import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/client';

/** What is told of one request besides its answer. */
export interface Watcher {
  /** A notification came with it. */
  readonly notice?: (message: JSONRPCMessage) => void;
  /** Its result as the upstream sent it, before the SDK looks at it. */
  readonly result?: (result: unknown) => void;
  /** The largest answer that is read. Default: that of the transport. */
  readonly maxBytes?: number;
}

/** Who watches requests, by the key that those are sent with as their `relatedRequestId`. */
export class Watchers {
  readonly #watchers = new Map<RequestId, Watcher>();
  #made = 0;

  /** Has the request watched that `make` sends with the key that it gets. */
  async during<Result>(
    watcher: Watcher,
    make: (key: { readonly relatedRequestId: string }) => Promise<Result>,
  ): Promise<Result> {
    const relatedRequestId = `request:${(this.#made += 1)}`;
    this.#watchers.set(relatedRequestId, watcher);
    try {
      return await make({ relatedRequestId });
    } finally {
      this.#watchers.delete(relatedRequestId);
    }
  }

  of(key: RequestId | undefined): Watcher | undefined {
    return key === undefined ? undefined : this.#watchers.get(key);
  }
}
