import type { EventStore, JSONRPCMessage } from '@modelcontextprotocol/server';

interface StoredEvent {
  readonly id: string;
  readonly streamId: string;
  readonly message: JSONRPCMessage;
  readonly size: number;
}

/** What all sessions together may keep, in characters of JSON. */
export interface ReplayBudget {
  readonly max: number;
  used: number;
}

/**
 * What a session has sent of late, so that a client whose stream broke can resume it (`Last-Event-ID`). It does not tell
 * the SDK the streams of events (`getStreamIdForEventId`): that would refuse to resume one that the server takes to be open.
 */
export class RecentEvents implements EventStore {
  readonly #limit: number;
  readonly #budget: ReplayBudget;
  readonly #events: StoredEvent[] = [];
  #lastId = 0;

  /** @param limit events kept; a client that missed more than these cannot resume */
  constructor(limit: number, budget: ReplayBudget) {
    this.#limit = limit;
    this.#budget = budget;
  }

  storeEvent(streamId: string, message: JSONRPCMessage): Promise<string> {
    const id = String((this.#lastId += 1));
    const size = JSON.stringify(message).length;
    this.#events.push({ id, streamId, message, size });
    this.#budget.used += size;
    while (this.#events.length > this.#limit || this.#budget.used > this.#budget.max) {
      if (!this.#dropOldest()) break;
    }
    return Promise.resolve(id);
  }

  #dropOldest(): boolean {
    const oldest = this.#events.shift();
    this.#budget.used -= oldest?.size ?? 0;
    return oldest !== undefined;
  }

  /** Forgets everything, and gives the budget back. */
  clear(): void {
    while (this.#dropOldest());
  }

  /** Whether an event is kept, so that what came after it can be replayed. */
  has(eventId: string): boolean {
    return this.#events.some(({ id }) => id === eventId);
  }

  async replayEventsAfter(
    lastEventId: string,
    { send }: { send: (eventId: string, message: JSONRPCMessage) => Promise<void> },
  ): Promise<string> {
    const last = this.#events.findIndex(({ id }) => id === lastEventId);
    const streamId = this.#events[last]?.streamId;
    if (streamId === undefined) throw new Error('the event to resume after is no longer kept');
    for (const event of this.#events.slice(last + 1)) {
      // Priming events have an id but no message.
      if (event.streamId === streamId && 'jsonrpc' in event.message) await send(event.id, event.message);
    }
    return streamId;
  }
}
