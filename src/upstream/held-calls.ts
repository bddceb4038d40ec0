import { INTERNAL_ERROR } from '@modelcontextprotocol/client';
import { cancelled, failed, overloaded, type Failure } from '../tools/call.ts';
import type { InputRequest } from '../tools/result.ts';
import type { ToolContext } from '../tools/tool.ts';
import type { SessionOwner } from './caller-links.ts';
import { asFault, faultOf, type Fault } from './fault.ts';
import { QUESTION, type Ask, type Asking, type Reply } from './questions.ts';

/** Most calls of an upstream at a time that wait for answers; of them, those of one client. */
export const MAX_HELD = 100;
const MAX_HELD_OF_CLIENT = 20;

/** Most questions at a time in one call. */
const MAX_QUESTIONS = 8;

/** That a call does not go on without answers: it is held until they come. */
export class Asks {
  /** By which it goes on. */
  readonly id: string;
  readonly requests: Readonly<Record<string, InputRequest>>;

  constructor(id: string, requests: Asks['requests']) {
    this.id = id;
    this.requests = requests;
  }
}

/** A call cannot be held, or is not held any more. */
export class NotHeld extends Error {
  override name = 'NotHeld';
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

/**
 * Makes the call that may ask.
 * @param context of the round that goes on, whichever that is
 */
type Make = (context: ToolContext, asking: Asking) => Promise<unknown>;

export interface HeldOptions {
  /** How long a client may take to answer, in seconds. */
  readonly waitSeconds: number;
  /** Monotonic, in seconds. */
  readonly now: () => number;
  /** Makes ids that no other process makes. */
  readonly newId: () => string;
}

interface Held {
  readonly call: OpenCall;
  readonly timer: NodeJS.Timeout;
}

/**
 * Calls in the middle of which a 2025-era upstream has asked something: they stay open while the client is asked, and go on when
 * it answers, be that in the same request of the client (2025-11-25) or in another (2026-07-28).
 */
export class HeldCalls {
  readonly #options: HeldOptions;
  /** Those that wait, by id. */
  readonly #held = new Map<string, Held>();
  #isClosed = false;

  constructor(options: HeldOptions) {
    this.#options = options;
  }

  /** Makes a call; resolves to its result, or to what it asks before. */
  begin(owner: SessionOwner, context: ToolContext, make: Make): Promise<unknown> {
    return this.#next(new OpenCall(owner, context, make, this.#options.now), context);
  }

  /** Goes on with the call that asked, with the answers; resolves as {@link begin} does. */
  async resume(id: string, { caller }: SessionOwner, context: ToolContext): Promise<unknown> {
    const held = this.#held.get(id);
    if (held?.call.owner.caller !== caller) throw new NotHeld(gone);
    clearTimeout(held.timer);
    this.#held.delete(id);
    held.call.answer(context.answers);
    return this.#next(held.call, context);
  }

  /** Ends a call that nobody goes on with. */
  forget(id: string, why: Failure = cancelled): void {
    const held = this.#held.get(id);
    if (!held) return;
    clearTimeout(held.timer);
    this.#held.delete(id);
    held.call.end(why);
  }

  /** Ends all that wait, and holds no more. */
  close(): void {
    this.#isClosed = true;
    for (const id of this.#held.keys()) this.forget(id);
  }

  async #next(call: OpenCall, context: ToolContext): Promise<unknown> {
    const next = await call.next(context);
    if ('result' in next) return next.result;
    const why = this.#isClosed ? gone : this.#whyFull(call.owner.client);
    if (why) {
      call.end(why);
      throw new NotHeld(why);
    }
    const { newId, waitSeconds } = this.#options;
    const id = newId();
    const timer = setTimeout(() => {
      this.forget(id);
    }, waitSeconds * 1000).unref();
    this.#held.set(id, { call, timer });
    return new Asks(id, next.requests);
  }

  #whyFull(client: string): Failure | undefined {
    const ofClient = [...this.#held.values()].filter(({ call }) => call.owner.client === client);
    if (ofClient.length >= MAX_HELD_OF_CLIENT) return tooManyOfClient;
    return this.#held.size >= MAX_HELD ? tooMany : undefined;
  }
}

/** A call that may ask, over all its rounds. */
class OpenCall {
  readonly owner: SessionOwner;
  readonly #now: () => number;
  readonly #stop = new AbortController();
  readonly #questions = new Map<string, { readonly params: InputRequest['params']; readonly reply: Reply }>();
  readonly #outcome: Promise<{ readonly result: unknown }>;
  #context: ToolContext;
  #asked: () => void = () => undefined;
  #made = 0;
  #waited = 0;
  #waitsSince: number | undefined;

  constructor(owner: SessionOwner, context: ToolContext, make: Make, now: () => number) {
    this.owner = owner;
    this.#context = context;
    this.#now = now;
    const overRounds: ToolContext = {
      ...context,
      signal: this.#stop.signal,
      progress: (...said) => {
        this.#context.progress(...said);
      },
      log: (...said) => {
        this.#context.log(...said);
      },
    };
    const asking = { ask: this.#ask, waited: () => this.#waitedSeconds };
    this.#outcome = make(overRounds, asking).then((result) => ({ result }));
    const over = (): void => {
      this.#questions.clear();
    };
    this.#outcome.then(over, over);
  }

  readonly #ask: Ask = (params, reply) => {
    if (this.#questions.size >= MAX_QUESTIONS) {
      const message = `nexus-mcp puts no more than ${MAX_QUESTIONS} questions of a call at a time`;
      reply({ error: { code: INTERNAL_ERROR, message } }).catch(() => undefined);
      return;
    }
    this.#questions.set(`question_${(this.#made += 1)}`, { params, reply });
    this.#asked();
  };

  /** Resolves when it has a result, or asks; a round that is ended ends it. */
  async next(
    context: ToolContext,
  ): Promise<{ readonly result: unknown } | { readonly requests: Asks['requests'] }> {
    const { signal } = context;
    this.#context = context;
    this.#waited = this.#waitedSeconds;
    this.#waitsSince = undefined;
    signal.addEventListener('abort', () => {
      this.end(signal.reason as Failure);
    });
    if (signal.aborted) this.end(signal.reason as Failure);
    const asked = new Promise<undefined>((resolve) => {
      this.#asked = () => {
        resolve(undefined);
      };
    });
    if (this.#questions.size > 0) this.#asked();
    const over = await Promise.race([this.#outcome, asked]);
    if (over) return over;
    this.#waitsSince = this.#now();
    const requests = [...this.#questions].map(
      ([key, { params }]) => [key, { method: QUESTION, params } as const] as const,
    );
    return { requests: Object.fromEntries(requests) };
  }

  get #waitedSeconds(): number {
    return this.#waited + (this.#waitsSince === undefined ? 0 : this.#now() - this.#waitsSince);
  }

  /** Sends answers to the questions that they are for; the others stay open. */
  answer(answers: ToolContext['answers']): void {
    for (const [key, { reply }] of this.#questions) {
      const answer = answers[key];
      if (typeof answer !== 'object' || answer === null) continue;
      this.#questions.delete(key);
      reply({ result: answer }).catch((error: unknown) => {
        this.end(faultOf(error, true) ?? asFault(error));
      });
    }
  }

  end(why: Failure | Fault): void {
    this.#stop.abort(why);
  }
}

// None of them is the server's fault: a client could count against its objective by leaving questions unanswered.
const tooManyOfClient = failed(
  'cancelled',
  `More than ${MAX_HELD_OF_CLIENT} calls of this client wait for its answers; answer them first.`,
);
const tooMany = overloaded('Too many calls of this upstream wait for answers; try again.');
const gone = failed(
  'unavailable',
  'The call that asked this does not wait any longer, or waits in another process; make it anew, without requestState.',
);
