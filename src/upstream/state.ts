import type { UpstreamState } from './labels.ts';

/** What happened to an upstream; `why` is in words for a person, without secrets. */
export type UpstreamEvent =
  /** It answered a call or a probe; `isCalm` when none has failed for a moment. */
  | { readonly kind: 'answered'; readonly isCalm: boolean }
  /** A call failed for want of an answer, and the breaker still lets calls through. */
  | { readonly kind: 'failed'; readonly why: string }
  /** That was one too many: the breaker is open. */
  | { readonly kind: 'opened'; readonly why: string }
  /** It was looked for, to connect or as a probe, and not found. */
  | { readonly kind: 'unreached'; readonly why: string }
  /** It refused our credentials. */
  | { readonly kind: 'refused'; readonly why: string }
  /** It said which tools it has. */
  | { readonly kind: 'listed' }
  /** It did not, though it is reached. */
  | { readonly kind: 'unlisted'; readonly why: string }
  | { readonly kind: 'removed' };

/** What is known of an upstream: what its state follows from. */
interface Known {
  readonly reach: 'unknown' | 'answers' | 'fails' | 'open' | 'unauthorized' | 'down';
  /** Why it is not reached well; empty when it is. */
  readonly reachWhy: string;
  /** Whether it has ever said which tools it has. */
  readonly hasListed: boolean;
  /** Why its list is older than it should be; empty when it is not. */
  readonly listWhy: string;
  readonly isRemoved: boolean;
}

const NOTHING_KNOWN: Known = {
  reach: 'unknown',
  reachWhy: '',
  hasListed: false,
  listWhy: '',
  isRemoved: false,
};

/** What is known after an event. */
function after(known: Known, event: UpstreamEvent): Known {
  const { reach } = known;
  switch (event.kind) {
    case 'answered':
      // A call that answers while others fail changes nothing yet; one that answers a trial does.
      return reach === 'fails' && !event.isCalm ? known : { ...known, reach: 'answers', reachWhy: '' };
    case 'failed':
      return reach === 'answers' || reach === 'fails'
        ? { ...known, reach: 'fails', reachWhy: event.why }
        : known;
    case 'opened':
      return { ...known, reach: 'open', reachWhy: event.why };
    case 'unreached':
      // A trial that fails while the breaker is open says nothing new.
      return { ...known, reach: reach === 'open' ? 'open' : 'down', reachWhy: event.why };
    case 'refused':
      return { ...known, reach: 'unauthorized', reachWhy: event.why };
    case 'listed':
      return { ...known, hasListed: true, listWhy: '' };
    case 'unlisted':
      return { ...known, listWhy: event.why };
    case 'removed':
      return { ...known, isRemoved: true };
  }
}

/**
 * The state that follows from what is known, and why it is that one, in words; empty when nothing is wrong.
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
function stateOf({ reach, reachWhy, hasListed, listWhy, isRemoved }: Known): {
  readonly state: UpstreamState;
  readonly why: string;
} {
  if (isRemoved) return { state: 'removed', why: '' };
  if (reach === 'unknown') return { state: 'connecting', why: '' };
  if (reach === 'unauthorized' || reach === 'open' || reach === 'down')
    return { state: reach, why: reachWhy };
  if (!hasListed) return { state: 'down', why: listWhy || 'it has not said which tools it has' };
  if (reach === 'fails') return { state: 'degraded', why: reachWhy };
  return listWhy === '' ? { state: 'up', why: '' } : { state: 'degraded', why: listWhy };
}

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
    return stateOf(this.#known).why;
  }

  /** For how long it has been in this state, in seconds. */
  get seconds(): number {
    return this.#now() - this.#since;
  }

  take(event: UpstreamEvent): void {
    const { state: from } = stateOf(this.#known);
    this.#known = after(this.#known, event);
    const { state: to, why } = stateOf(this.#known);
    const now = this.#now();
    if (to !== from) this.#since = now;
    else if (why === this.#told.why || now - this.#told.at < REASON_SECONDS) return;
    this.#told = { at: now, why };
    this.#changed({ from, to, why });
  }
}
