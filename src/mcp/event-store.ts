import type { EventStore, JSONRPCMessage } from '@modelcontextprotocol/server';

interface StoredEvent {
  readonly id: string;
  readonly streamId: string;
  readonly message: JSONRPCMessage;
}

/** What a session has sent of late, so that a client whose stream broke can resume it (`Last-Event-ID`). */
export class RecentEvents implements EventStore {
  readonly #limit: number;
  #events: StoredEvent[] = [];
  #lastId = 0;

  /** @param limit events kept; a client that missed more than these cannot resume */
  constructor(limit: number) {
    this.#limit = limit;
  }

  storeEvent(streamId: string, message: JSONRPCMessage): Promise<string> {
    const id = String((this.#lastId += 1));
    this.#events.push({ id, streamId, message });
    if (this.#events.length > this.#limit) this.#events = this.#events.slice(-Math.ceil(this.#limit / 2));
    return Promise.resolve(id);
  }

  getStreamIdForEventId(eventId: string): Promise<string | undefined> {
    return Promise.resolve(this.#events.find(({ id }) => id === eventId)?.streamId);
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
