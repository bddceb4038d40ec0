import type { JSONRPCMessage } from '@modelcontextprotocol/server';
import type { ReplayBudget } from './replay-budget.ts';

/** What a stream starts with, to be resumed after; what a client may miss; and answers and questions, which it may not. */
type Kind = 'start' | 'notice' | 'message';

export interface StoredEvent {
  readonly id: string;
  /** Those that are sent later have a higher one. */
  readonly order: number;
  readonly streamId: string;
  /** The message, as JSON; empty where there is none. */
  readonly text: string;
  readonly kind: Kind;
}

/**
 * What a session has sent of late, so that a client whose stream broke can resume it (`Last-Event-ID`).
 */
export class RecentEvents {
  /** Whose session it is. */
  readonly client: string;
  readonly #name: string;
  readonly #limit: number;
  readonly #budget: ReplayBudget;
  readonly #events: StoredEvent[] = [];
  readonly #counts: Record<Kind, number> = { start: 0, notice: 0, message: 0 };
  /** By their streams. */
  readonly #replays = new Map<string, Replay>();
  #characters = 0;
  #last = 0;
  #isClosed = false;

  /**
   * @param name begins the ids of its events; no other process that served the session, or serves it, has events with the same
   * @param limit events kept of each kind; a client that missed more than these cannot resume
   */
  constructor(name: string, limit: number, budget: ReplayBudget, client: string) {
    this.#name = name;
    this.#limit = limit;
    this.#budget = budget;
    this.client = client;
  }

  /** How much is kept, in characters of JSON. */
  get characters(): number {
    return this.#characters;
  }

  /**
   * Keeps what a stream is sent; returns it as it is sent.
   * @param message left out of what it starts with
   */
  store(streamId: string, message?: JSONRPCMessage): StoredEvent {
    const order = (this.#last += 1);
    const id = `${this.#name}-${order}`;
    const text = message ? JSON.stringify(message) : '';
    const event = { id, order, streamId, text, kind: kindOf(message) };
    if (!this.#isClosed) this.#keep(event);
    return event;
  }

  #keep(event: StoredEvent): void {
    const { kind, text } = event;
    this.#events.push(event);
    this.#counts[kind] += 1;
    this.#grow(text.length);
    if (text.length > this.#budget.max) this.#drop(event);
    else if (this.#counts[kind] > this.#limit) this.#drop(this.#events.find((each) => each.kind === kind));
    this.#budget.join(this);
    this.#budget.makeRoom();
  }

  /** Drops the oldest events until no more than this is kept, or nothing more has to go. */
  shrink(to: number, hasToGo: () => boolean): void {
    do this.#drop(this.#events[0]);
    while (this.#characters > to && hasToGo());
  }

  #drop(event: StoredEvent | undefined): void {
    if (!event) return;
    const last = this.#events.indexOf(event);
    if (last === 0) this.#events.shift();
    else this.#events.splice(last, 1);
    this.#counts[event.kind] -= 1;
    this.#grow(-event.text.length);
    if (event.kind !== 'message') return;
    // No stream may be resumed past a message that is gone.
    const replay = this.#replays.get(event.streamId);
    if (replay && !replay.isPast(event)) replay.end();
    for (const earlier of this.#events.slice(0, last))
      if (earlier.streamId === event.streamId) this.#drop(earlier);
  }

  #grow(size: number): void {
    this.#characters += size;
    this.#budget.used += size;
  }

  /** Forgets everything, and keeps nothing more. */
  close(): void {
    this.#isClosed = true;
    this.#events.length = 0;
    for (const replay of this.#replays.values()) replay.end();
    this.#grow(-this.#characters);
    this.#budget.leave(this);
  }

  /** Whether an event is kept, so that what came after it can be replayed. */
  has(eventId: string): boolean {
    return this.#events.some(({ id }) => id === eventId);
  }

  /**
   * Begins to replay what its stream was sent after an event that is kept. It takes the place of the replay of that stream
   * which there is, and ends when something that it has not got to is no longer kept.
   */
  replayAfter(eventId: string, onEnd: () => void): Replay {
    const last = this.#events.find(({ id }) => id === eventId);
    if (!last) throw new Error('the event to resume after is no longer kept');
    this.#replays.get(last.streamId)?.end();
    const replay = new Replay(this.#events, last, onEnd, () => {
      if (this.#replays.get(last.streamId) === replay) this.#replays.delete(last.streamId);
    });
    this.#replays.set(last.streamId, replay);
    return replay;
  }
}

/** How far a client has got with what it missed of a stream. */
export class Replay {
  readonly streamId: string;
  readonly #events: readonly StoredEvent[];
  readonly #onEnd: () => void;
  /** Takes it out of those that are held to what is kept. */
  readonly finish: () => void;
  /** The order of the event that it has got to. */
  #at: number;

  constructor(events: readonly StoredEvent[], last: StoredEvent, onEnd: () => void, finish: () => void) {
    this.streamId = last.streamId;
    this.finish = finish;
    this.#events = events;
    this.#at = last.order;
    this.#onEnd = onEnd;
  }

  /** Goes on to the next event; `undefined` when there is none yet. */
  next(): StoredEvent | undefined {
    const event = this.#events.find(
      (each) => each.streamId === this.streamId && each.kind !== 'start' && !this.isPast(each),
    );
    if (event) this.#at = event.order;
    return event;
  }

  /** Whether it has got to an event. */
  isPast({ order }: StoredEvent): boolean {
    return order <= this.#at;
  }

  /** Gives up, before what was missed has been replayed. */
  end(): void {
    this.finish();
    this.#onEnd();
  }
}

function kindOf(message: JSONRPCMessage | undefined): Kind {
  if (!message) return 'start';
  return 'id' in message ? 'message' : 'notice';
}
