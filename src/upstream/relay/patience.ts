/** What a wait depends on. */
interface PatienceOptions {
  /** How long they may be silent. */
  readonly seconds: number;
  /** Monotonic, in seconds. */
  readonly now: () => number;
  /** When they were last allowed to be silent, or were heard elsewhere. */
  readonly excusedUntil: () => number;
  readonly onSilence: () => void;
}

/** How long somebody may be silent. What is heard is only noted: the timer looks at it when it is due. */
export class Patience {
  readonly #options: PatienceOptions;
  #timer: NodeJS.Timeout | undefined;
  #heardAt = -Infinity;

  /** Begins to wait. */
  constructor(options: PatienceOptions) {
    this.#options = options;
    this.resume();
  }

  /** They said something. */
  heard(): void {
    this.#heardAt = this.#options.now();
    if (!this.#timer) this.#wait(this.#options.seconds);
  }

  /** Until it goes on, they may be silent. */
  pause(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  resume(): void {
    this.pause();
    this.heard();
  }

  #wait(seconds: number): void {
    this.#timer = setTimeout(this.#look, seconds * 1000);
  }

  readonly #look = (): void => {
    const { seconds, now, excusedUntil, onSilence } = this.#options;
    const left = Math.max(this.#heardAt, excusedUntil()) + seconds - now();
    // Timers may be due a moment early.
    if (left > 0.001) this.#wait(left);
    else {
      this.#timer = undefined;
      onSilence();
    }
  };
}
