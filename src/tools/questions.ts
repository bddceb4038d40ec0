import {
  cancelled,
  failed,
  overloaded,
  shuttingDown,
  type Answered,
  type Failure,
  type ToolCall,
} from './call.ts';
import type { InputRequired } from './result.ts';

/** Calls that wait for an answer: of one client, and of all. Each keeps its arguments in memory. */
const MAX_OF_A_CLIENT = 100;
const MAX_OF_ALL = 1000;

interface Waiting {
  readonly client: string;
  readonly stop: (why: Failure) => void;
}

/** The questions that calls in flight wait for: each has a deadline, and there is a bound to them. */
export class Questions {
  readonly #waitSeconds: number;
  readonly #waiting = new Set<Waiting>();
  #isClosed = false;

  constructor(waitSeconds: number) {
    this.#waitSeconds = waitSeconds;
  }

  /** Asks the client of a call; `ask` stops when its signal aborts, and that says why in words for the client. */
  async put(
    { caller, signal }: ToolCall,
    ask: NonNullable<ToolCall['ask']>,
    requests: InputRequired['requests'],
  ): Promise<Answered> {
    if (this.#isClosed) return shuttingDown;
    const client = caller.quotaKey;
    const many = [...this.#waiting].filter((other) => other.client === client).length;
    if (many >= MAX_OF_A_CLIENT) return tooManyOfClient;
    if (this.#waiting.size >= MAX_OF_ALL) return overloaded('Too many calls wait for answers; try again.');
    if (signal.aborted) return cancelled;
    const end = new AbortController();
    const { promise: ended, resolve } = Promise.withResolvers<Failure>();
    const stop = (why: Failure): void => {
      resolve(why);
      end.abort(why.message);
    };
    const onCancel = (): void => {
      stop(cancelled);
    };
    const waiting = { client, stop };
    const deadline = setTimeout(stop, this.#waitSeconds * 1000, unanswered(this.#waitSeconds));
    signal.addEventListener('abort', onCancel);
    this.#waiting.add(waiting);
    try {
      return await Promise.race([ask(requests, end.signal), ended]);
    } finally {
      clearTimeout(deadline);
      signal.removeEventListener('abort', onCancel);
      this.#waiting.delete(waiting);
      // Of several questions those that are still open.
      end.abort('Nobody waits for the answer any longer.');
    }
  }

  /** Waits for none of them any longer, and puts no more. */
  close(): void {
    this.#isClosed = true;
    for (const { stop } of this.#waiting) stop(shuttingDown);
  }
}

// Neither is the server's fault: a client could count against its objective by leaving questions unanswered. And neither is a
// refusal: the tool has run.
const tooManyOfClient = failed(
  'cancelled',
  `More than ${MAX_OF_A_CLIENT} calls of this client wait for its answers; answer them first.`,
);
const unanswered = (seconds: number): Failure =>
  failed('cancelled', `The client did not answer what the tool asked it within ${seconds} s.`);
