/** Questions of an upstream that are remembered; of more, the latest count. */
const MAX_QUESTIONS = 64;

/** What is known of a session from all its streams: when the upstream last said something, and what its client is asked. */
export class Conversation {
  readonly #inputWaitSeconds: number;
  readonly #now: () => number;
  /** By id, when the client's time for each is over; the latest last. */
  readonly #questions = new Map<unknown, number>();
  #heardAt = -Infinity;
  #answeredAt = -Infinity;

  /**
   * @param inputWaitSeconds how long a client may take to answer
   * @param now monotonic, in seconds
   */
  constructor(inputWaitSeconds: number, now: () => number) {
    this.#inputWaitSeconds = inputWaitSeconds;
    this.#now = now;
  }

  heard(): void {
    this.#heardAt = this.#now();
  }

  /** The upstream asks its client something. */
  asked(id: unknown): void {
    this.#questions.delete(id);
    this.#questions.set(id, this.#now() + this.#inputWaitSeconds);
    const [oldest] = this.#questions.keys();
    if (this.#questions.size > MAX_QUESTIONS) this.#questions.delete(oldest);
  }

  /** The client has answered. */
  answered(id: unknown): void {
    if (this.#questions.delete(id)) this.#answeredAt = this.#now();
  }

  /** When the upstream last had a question open, for which it may be silent: now, if there is one. */
  get askedUntil(): number {
    const [latest = -Infinity] = [...this.#questions.values()].slice(-1);
    return Math.max(this.#answeredAt, Math.min(latest, this.#now()));
  }

  /** When the upstream last said something or had a question open. */
  get silentSince(): number {
    return Math.max(this.#heardAt, this.askedUntil);
  }
}
