import { Breaker, type Permit } from './breaker.ts';
import type { Fault } from './fault.ts';
import { StateMachine, type Transition, type Trouble } from './state.ts';

/** Calls refused in a row that say that it is not well, though it answers. */
const REFUSED_IN_A_ROW = 5;

/** What calls and looks tell of an upstream: whether it may be asked, and its state. */
export class Health {
  readonly #machine: StateMachine;
  readonly #breaker: Breaker;
  readonly #now: () => number;
  readonly #calm: number;
  #heardAt = -Infinity;
  #refusedInARow = 0;
  #refusedAt = -Infinity;

  /**
   * @param now monotonic, in seconds
   * @param random from 0 to 1
   * @param calm without a failure after which it counts as well, in seconds
   */
  constructor(
    now: () => number,
    random: () => number,
    calm: number,
    changed: (transition: Transition) => void,
  ) {
    this.#now = now;
    this.#calm = calm;
    this.#machine = new StateMachine(now, changed);
    this.#breaker = new Breaker(now, random);
  }

  get state(): Pick<StateMachine, 'state' | 'why' | 'fault' | 'seconds'> {
    return this.#machine;
  }

  /** Whether calls are kept from it. */
  get isShut(): boolean {
    return this.#breaker.isOpen || this.#machine.state === 'unauthorized';
  }

  /** Seconds until it may be tried again. */
  get retryIn(): number {
    return this.#breaker.retryIn;
  }

  /** Seconds since it last said anything. */
  get silence(): number {
    return this.#now() - this.#heardAt;
  }

  /** Asks to send something to it; `undefined` says that nothing may be sent now. */
  enter(): Permit | undefined {
    return this.#breaker.enter();
  }

  /** Asks to listen to it, which is no trial: how that ends may be long unknown. */
  enterToListen(): Permit | undefined {
    return this.isShut ? undefined : 'normal';
  }

  /** It answered a call. */
  answered(permit: Permit): void {
    this.#refusedInARow = 0;
    this.#refusedAt = -Infinity;
    this.#breaker.succeeded(permit);
    this.#heard(permit);
  }

  /** It was looked for, and is there. */
  found(permit: Permit): void {
    this.#breaker.found(permit);
    this.#heard(permit);
  }

  #heard(permit: Permit): void {
    this.#heardAt = this.#now();
    // What was sent before the breaker opened says nothing of now.
    if (this.#breaker.isOpen) return;
    const isCalm =
      permit === 'trial' ||
      (this.#breaker.isCalmFor(this.#calm) && this.#now() - this.#refusedAt >= this.#calm);
    this.#machine.take({ kind: 'answered', isCalm });
  }

  /** A call got no answer. */
  failed(permit: Permit, fault: Fault): void {
    const trouble = troubleOf(fault);
    if (!fault.isIllness) {
      this.#refused(permit, fault);
      return;
    }
    this.#breaker.failed(permit);
    if (permit === 'trial') this.#machine.take({ kind: 'unreached', trouble });
    else if (!this.#breaker.isOpen) this.#machine.take({ kind: 'failed', trouble });
    else if (this.#machine.state !== 'down') this.#machine.take({ kind: 'opened', trouble });
  }

  /** That a call was refused says that somebody is there; not that it is who we are connected to, which a look tells. */
  #refused(permit: Permit, fault: Fault): void {
    if (fault.status !== undefined || fault.kind === 'unauthorized') this.abandoned(permit);
    else this.found(permit);
    if (fault.kind === 'too_large') return;
    this.#refusedInARow += 1;
    if (this.#refusedInARow < REFUSED_IN_A_ROW) return;
    this.#refusedAt = this.#now();
    if (!this.#breaker.isOpen) this.#machine.take({ kind: 'failed', trouble: troubleOf(fault) });
  }

  /** What was sent ended without saying anything. */
  abandoned(permit: Permit): void {
    this.#breaker.abandoned(permit);
  }

  /** It was looked for, and not found. */
  missed(permit: Permit, fault: Fault): void {
    const trouble = troubleOf(fault);
    if (fault.kind === 'unauthorized') {
      this.#heardAt = this.#now();
      this.#breaker.found(permit);
      this.#machine.take({ kind: 'refused', trouble });
      return;
    }
    if (permit === 'trial') this.#breaker.failed(permit);
    else this.#breaker.trip();
    this.#machine.take({ kind: 'unreached', trouble });
  }

  listed(): void {
    this.#machine.take({ kind: 'listed' });
  }

  unlisted(fault: Fault): void {
    const { kind, message } = fault;
    this.#machine.take({ kind: 'unlisted', trouble: { fault: kind, why: `its list of tools: ${message}` } });
  }

  removed(): void {
    this.#machine.take({ kind: 'removed' });
  }
}

const troubleOf = ({ kind, message }: Fault): Trouble => ({ fault: kind, why: message });
