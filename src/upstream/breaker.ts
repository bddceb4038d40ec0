/** Failures in a row that open it. */
const IN_A_ROW = 5;
/** Or half of at least so many, within so many seconds. */
const AT_LEAST = 20;
const WINDOW_SECONDS = 30;

/** How long it stays open before a trial: at first, and at most, in seconds; a fifth more or less by chance. */
const FIRST_WAIT = 1;
const LONGEST_WAIT = 4;
const JITTER = 0.2;

/** Permission to send something: `trial` while the breaker is open. */
export type Permit = 'normal' | 'trial';

/** How many of the exchanges of one second failed. */
interface Second {
  readonly second: number;
  all: number;
  failed: number;
}

/**
 * Keeps calls from an upstream that does not answer. It opens after some failures in a row, or when half of many fail; then one
 * exchange at a time may try, after a wait that doubles, and one that is answered closes it. Each exchange that got a permit ends with
 * one of `succeeded`, `found`, `failed` and `abandoned`. A successful probe closes the breaker, but the next call opens it again if
 * it fails: a probe proves nothing of calls.
 */
export class Breaker {
  readonly #now: () => number;
  readonly #random: () => number;
  #isOpen = false;
  #inARow = 0;
  #window: Second[] = [];
  #lastFailure = -Infinity;
  /** The last wait; 0 when a call has been answered since. */
  #wait = 0;
  #retryAt = 0;
  #isTrying = false;

  /**
   * @param now monotonic, in seconds
   * @param random from 0 to 1
   */
  constructor(now: () => number, random: () => number) {
    this.#now = now;
    this.#random = random;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether nothing has failed for so long, in seconds. */
  isCalmFor(seconds: number): boolean {
    return !this.#isOpen && this.#now() - this.#lastFailure >= seconds;
  }

  /** Seconds until a trial may begin. */
  get retryIn(): number {
    return Math.max(0, this.#retryAt - this.#now());
  }

  /** Asks to send something; `undefined` says that it may not be sent now. */
  enter(): Permit | undefined {
    if (!this.#isOpen) return 'normal';
    if (this.#isTrying || this.#now() < this.#retryAt) return undefined;
    this.#isTrying = true;
    return 'trial';
  }

  /** A call was answered. */
  succeeded(permit: Permit): void {
    if (permit === 'trial') this.#close();
    // What was sent before it opened says nothing of now.
    else if (this.#isOpen) return;
    this.#inARow = 0;
    this.#wait = 0;
    this.#count(false);
  }

  /** The upstream is there. */
  found(permit: Permit): void {
    if (permit !== 'trial') return;
    this.#close();
    this.#inARow = IN_A_ROW - 1;
  }

  failed(permit: Permit): void {
    this.#lastFailure = this.#now();
    if (permit === 'trial') {
      this.#open();
      return;
    }
    if (this.#isOpen) return;
    this.#inARow += 1;
    this.#count(true);
    const [all, failed] = this.#window.reduce(([a, f], each) => [a + each.all, f + each.failed], [0, 0]);
    if (this.#inARow >= IN_A_ROW || (all >= AT_LEAST && failed * 2 >= all)) this.#open();
  }

  /** It ended without an answer that says anything, such as when its caller cancelled it. */
  abandoned(permit: Permit): void {
    if (permit === 'trial') this.#isTrying = false;
  }

  /** Opens it, whatever was before: somebody looked, and the upstream is not there. */
  trip(): void {
    this.#lastFailure = this.#now();
    if (!this.#isOpen) this.#open();
  }

  #open(): void {
    this.#wait = Math.min(2 * this.#wait || FIRST_WAIT, LONGEST_WAIT);
    this.#isOpen = true;
    this.#isTrying = false;
    this.#retryAt = this.#now() + this.#wait * (1 - JITTER + 2 * JITTER * this.#random());
  }

  #close(): void {
    this.#isOpen = false;
    this.#isTrying = false;
    this.#window = [];
    this.#lastFailure = -Infinity;
  }

  #count(isFailure: boolean): void {
    const second = Math.floor(this.#now());
    let last = this.#window.at(-1);
    if (last?.second !== second) {
      last = { second, all: 0, failed: 0 };
      this.#window = [...this.#window.filter((each) => each.second > second - WINDOW_SECONDS), last];
    }
    last.all += 1;
    if (isFailure) last.failed += 1;
  }
}
