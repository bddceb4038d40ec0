import type { FaultKind, UpstreamState } from './labels.ts';

/** What is wrong with an upstream. */
export interface Trouble {
  /** Missing where it has done nothing wrong, or nothing yet. */
  readonly fault?: FaultKind;
  /** In words for a person, without secrets; empty when nothing is wrong. */
  readonly why: string;
}

const NONE: Trouble = { why: '' };

/** What happened to an upstream. */
export type UpstreamEvent =
  /** It answered a call or a probe; `isCalm` when none has failed for a moment. */
  | { readonly kind: 'answered'; readonly isCalm: boolean }
  /** A call failed for want of an answer, and the breaker still lets calls through. */
  | { readonly kind: 'failed'; readonly trouble: Trouble }
  /** That was one too many: the breaker is open. */
  | { readonly kind: 'opened'; readonly trouble: Trouble }
  /** It was looked for, to connect or as a probe, and not found. */
  | { readonly kind: 'unreached'; readonly trouble: Trouble }
  /** It refused our credentials. */
  | { readonly kind: 'refused'; readonly trouble: Trouble }
  /** It said which tools it has. */
  | { readonly kind: 'listed' }
  /** It did not, though it is reached. */
  | { readonly kind: 'unlisted'; readonly trouble: Trouble }
  | { readonly kind: 'removed' };

/** What is known of an upstream: what its state follows from. */
interface Known {
  readonly reach: 'unknown' | 'answers' | 'fails' | 'open' | 'unauthorized' | 'down';
  /** Why it is not reached well. */
  readonly reachTrouble: Trouble;
  /** Whether it has ever said which tools it has. */
  readonly hasListed: boolean;
  /** Why its list is older than it should be. */
  readonly listTrouble: Trouble;
  readonly isRemoved: boolean;
}

const NOTHING_KNOWN: Known = {
  reach: 'unknown',
  reachTrouble: NONE,
  hasListed: false,
  listTrouble: NONE,
  isRemoved: false,
};

/** What is known after an event. */
function after(known: Known, event: UpstreamEvent): Known {
  const { reach } = known;
  switch (event.kind) {
    case 'answered':
      // A call that answers while others fail changes nothing yet; one that answers a trial does.
      return reach === 'fails' && !event.isCalm ? known : { ...known, reach: 'answers', reachTrouble: NONE };
    case 'failed':
      return reach === 'answers' || reach === 'fails'
        ? { ...known, reach: 'fails', reachTrouble: event.trouble }
        : known;
    case 'opened':
      return { ...known, reach: 'open', reachTrouble: event.trouble };
    case 'unreached':
      // A trial that fails while the breaker is open says nothing new.
      return { ...known, reach: reach === 'open' ? 'open' : 'down', reachTrouble: event.trouble };
    case 'refused':
      return { ...known, reach: 'unauthorized', reachTrouble: event.trouble };
    case 'listed':
      return { ...known, hasListed: true, listTrouble: NONE };
    case 'unlisted':
      return { ...known, listTrouble: event.trouble };
    case 'removed':
      return { ...known, isRemoved: true };
  }
}

/**
 * The state that follows from what is known, and why it is that one.
 *
 * | State          | What it says                                                                                     |
 * | -------------- | ------------------------------------------------------------------------------------------------ |
 * | `removed`      | it is no upstream any more                                                                       |
 * | `connecting`   | the first attempt to reach it has not ended                                                      |
 * | `unauthorized` | it refuses our credentials (401, 403)                                                            |
 * | `open`         | so many calls failed that the breaker lets none through but one trial at a time                  |
 * | `down`         | it could not be reached when it was looked for, or it has never said which tools it has          |
 * | `degraded`     | it is reached, and a call failed a moment ago, or its list of tools is older than it should be   |
 * | `up`           | it is reached, and what it was asked lately was answered                                         |
 *
 * Of those that are true the first in this order is the state. What it lists and we cannot offer does not change its state:
 * that is counted by itself.
 */
function stateOf({ reach, reachTrouble, hasListed, listTrouble, isRemoved }: Known): {
  readonly state: UpstreamState;
  readonly trouble: Trouble;
} {
  if (isRemoved) return { state: 'removed', trouble: NONE };
  if (reach === 'unknown') return { state: 'connecting', trouble: NONE };
  if (reach === 'unauthorized' || reach === 'open' || reach === 'down')
    return { state: reach, trouble: reachTrouble };
  if (!hasListed) return { state: 'down', trouble: listTrouble === NONE ? SILENT : listTrouble };
  if (reach === 'fails') return { state: 'degraded', trouble: reachTrouble };
  return { state: listTrouble === NONE ? 'up' : 'degraded', trouble: listTrouble };
}

const SILENT: Trouble = { why: 'it has not said which tools it has' };

/** A change of state; from a state to itself, where it lasts for another reason. */
export interface Transition {
  readonly from: UpstreamState;
  readonly to: UpstreamState;
  readonly why: string;
}

/** So long a new reason of the same state waits after what was told last: calls can bring one each. */
const REASON_SECONDS = 60;

/** The state of one upstream: the one that metrics, status page, log and tool list read. */
export class StateMachine {
  readonly #now: () => number;
  readonly #changed: (transition: Transition) => void;
  #known = NOTHING_KNOWN;
  #since: number;
  #told = { at: 0, why: '' };

  /**
   * @param now monotonic, in seconds
   * @param changed told of each change of state, after it; and of another reason for the same one, a minute at least after
   * what it was told last
   */
  constructor(now: () => number, changed: (transition: Transition) => void) {
    this.#now = now;
    this.#changed = changed;
    this.#since = now();
  }

  get state(): UpstreamState {
    return stateOf(this.#known).state;
  }

  /** Why it is in this state, in words; empty when nothing is wrong. */
  get why(): string {
    return stateOf(this.#known).trouble.why;
  }

  /** What is wrong with it, if something is. */
  get fault(): FaultKind | undefined {
    return stateOf(this.#known).trouble.fault;
  }

  /** For how long it has been in this state, in seconds. */
  get seconds(): number {
    return this.#now() - this.#since;
  }

  take(event: UpstreamEvent): void {
    const { state: from } = stateOf(this.#known);
    this.#known = after(this.#known, event);
    const {
      state: to,
      trouble: { why },
    } = stateOf(this.#known);
    const now = this.#now();
    if (to !== from) this.#since = now;
    else if (why === this.#told.why || now - this.#told.at < REASON_SECONDS) return;
    this.#told = { at: now, why };
    this.#changed({ from, to, why });
  }
}
