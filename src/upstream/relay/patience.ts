/** How long somebody may be silent. */
export class Patience {
  readonly #seconds: number;
  readonly #onSilence: () => void;
  #timer: NodeJS.Timeout | undefined;
  #isExtended = false;

  /** Begins to wait. */
  constructor(seconds: number, onSilence: () => void) {
    this.#seconds = seconds;
    this.#onSilence = onSilence;
    this.resume();
  }

  /** They said something. */
  heard(): void {
    if (this.#isExtended) this.resume();
    else this.#timer?.refresh();
  }

  /** This time they may be silent for so many seconds more. */
  extend(seconds: number): void {
    if (this.#timer) this.#wait(this.#seconds + seconds, true);
  }

  /** Until it goes on, they may be silent. */
  pause(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  resume(): void {
    this.#wait(this.#seconds, false);
  }

  #wait(seconds: number, isExtended: boolean): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#onSilence, seconds * 1000);
    this.#isExtended = isExtended;
  }
}
