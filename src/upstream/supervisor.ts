import type { Permit } from './breaker.ts';
import { hearChanges } from './change-listening.ts';
import { asFault, mayBeStale, type Fault } from './fault.ts';
import type { Health } from './health.ts';
import { Link, type LinkOptions } from './link.ts';
import { readList, type RawList } from './listing.ts';

/** When an upstream is looked at, in seconds. */
export interface Pace {
  /** Of silence after which it is asked whether it is there; and so long, at least, when it was not well. */
  readonly silence: number;
  readonly silenceIfIll: number;
  /** How long it may take to connect, or to answer such a question, or for a page of its list. */
  readonly answer: number;
  /** Between a list and the next one: at least, when it says that it has changed; and if it says nothing. */
  readonly listAtLeast: number;
  readonly listAtMost: number;
  /** Until one that could not be had is asked for again, a stream of changes too, or credentials are tried again. */
  readonly again: number;
  /** Without a failure after which it counts as well. */
  readonly calm: number;
}

export const PACE: Pace = {
  silence: 10,
  silenceIfIll: 3,
  answer: 5,
  listAtLeast: 5,
  listAtMost: 300,
  again: 10,
  calm: 5,
};

/** How long the end of a session may take, in seconds. */
export const END_SECONDS = 2;

export interface SupervisorOptions {
  readonly link: Omit<LinkOptions, 'listChanged'>;
  readonly health: Health;
  readonly pace: Pace;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Monotonic, in seconds. */
  readonly now: () => number;
  /** Told of the tools that the upstream lists, as it sends them. */
  readonly listed: (list: RawList) => void;
}

/**
 * Keeps an upstream connected: connects, learns its tools and learns them anew when they change, and asks whether it is there
 * when nothing else tells. It does one of that at a time.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  #isStopped = false;
  #link: Link | undefined;
  /** Whether that is no connection any more to who answers now; calls have no other until there is another. */
  #isStale = false;
  /** Whether one was lost before it was of any use. */
  #wasLostAtOnce = false;
  #hasListed = false;
  /** Ends the stream on which changes of the list are heard. */
  #listening = new AbortController();
  #listedAt = -Infinity;
  #listDueAt = -Infinity;
  /** Before it, an upstream that refuses our credentials is not tried again. */
  #notBefore = -Infinity;
  /** Whether somebody wants it looked at, and when it last was. */
  #isWanted = false;
  #lookedAt = -Infinity;
  #wake: () => void = () => undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** The connection that calls are made on where the upstream keeps no sessions; missing before there was one. */
  get link(): Link | undefined {
    return this.#link;
  }

  start(): void {
    void this.#run();
  }

  /** Looks at it no more; calls may go on. */
  rest(): void {
    this.#isStopped = true;
    this.#listening.abort();
    this.#wake();
  }

  /** Stops, and ends the upstream's session. */
  async stop(): Promise<void> {
    this.rest();
    await this.#link?.close(END_SECONDS);
  }

  /** Has its list read anew, soon. */
  listAgain = (): void => {
    const { now, pace } = this.#options;
    this.#listDueAt = Math.min(this.#listDueAt, Math.max(now(), this.#listedAt + pace.listAtLeast));
    this.#wake();
  };

  /** Has it looked at, as soon as it may be. */
  lookNow(): void {
    this.#isWanted = true;
    this.#wake();
  }

  /** Has it find out what is due: something has changed. */
  wake(): void {
    this.#wake();
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const seconds = await this.#look();
      if (seconds > 0) await this.#sleep(seconds);
    }
  }

  #sleep(seconds: number): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, seconds * 1000);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Does what is due; resolves to the seconds until something else is. */
  async #look(): Promise<number> {
    const { health, now, pace } = this.#options;
    if (!this.#link || this.#isStale || health.isShut) {
      if (this.#notBefore > now()) return this.#notBefore - now();
      const permit = health.enter();
      // Where a call tries it, that is soon over.
      if (!permit) return Math.max(health.retryIn, 0.1);
      this.#isWanted = false;
      await this.#connect(permit);
      if (health.state.state === 'unauthorized') this.#notBefore = now() + pace.again;
      return 0;
    }
    if (this.#listDueAt <= now()) {
      await this.#list(this.#link);
      return 0;
    }
    const silence = health.state.state === 'up' ? pace.silence : pace.silenceIfIll;
    const wanted = this.#isWanted ? this.#lookedAt + pace.silenceIfIll - now() : Infinity;
    const lookIn = Math.min(silence - health.silence, wanted);
    if (lookIn <= 0) {
      this.#isWanted = false;
      this.#lookedAt = now();
      await this.#probe(this.#link);
      return 0;
    }
    return Math.min(lookIn, this.#listDueAt - now());
  }

  /** Connects anew: what has come back may be another release, of another era, with other tools. */
  async #connect(permit: Permit): Promise<void> {
    const { health, pace } = this.#options;
    let link: Link;
    try {
      link = await Link.connect({ ...this.#options.link, listChanged: this.listAgain }, pace.answer);
    } catch (error) {
      if (!this.#isStopped) health.missed(permit, asFault(error));
      return;
    }
    const before = this.#link;
    this.#link = link;
    this.#isStale = false;
    this.#listening.abort();
    this.#listening = new AbortController();
    void before?.end(END_SECONDS);
    if (this.#isStopped) {
      await link.close(END_SECONDS);
      return;
    }
    // That it is there is known, and calls need not wait for its list; unless it may be lost by then, as the one before.
    const isDoubtful = !this.#hasListed || this.#wasLostAtOnce;
    if (!isDoubtful) health.found(permit);
    const lost = await this.#list(link);
    this.#wasLostAtOnce = lost !== undefined;
    if (isDoubtful && lost) {
      health.missed(permit, lost);
      return;
    }
    if (isDoubtful) health.found(permit);
    void hearChanges(link, this.#listening.signal, { ...this.#options, missed: this.listAgain });
  }

  /** Reads its list; resolves to the fault that says that the connection is lost, if it is. */
  async #list(link: Link): Promise<Fault | undefined> {
    const { health, listed, now, random } = this.#options;
    const { listAtMost, again, answer } = this.#options.pace;
    this.#listedAt = now();
    // A tenth more or less, so that not all replicas ask at once.
    this.#listDueAt = now() + listAtMost * (0.9 + 0.2 * random());
    try {
      const list = await readList(link, answer, now);
      if (this.#isStopped) return undefined;
      listed(list);
      this.#hasListed = true;
      health.listed();
    } catch (error) {
      const fault = asFault(error);
      if (this.#isStopped) return undefined;
      this.#listDueAt = now() + again;
      if (fault.kind === 'session_lost') {
        this.#isStale = true;
        return fault;
      }
      health.unlisted(fault);
      // Whether it is ill, or only its list, a probe tells.
      if (fault.isIllness || mayBeStale(error)) this.#isWanted = true;
    }
    return undefined;
  }

  async #probe(link: Link): Promise<void> {
    const { health, pace } = this.#options;
    const permit = health.enter();
    if (!permit) return;
    try {
      await link.probe(pace.answer);
      health.found(permit);
    } catch (error) {
      if (mayBeStale(error)) {
        health.abandoned(permit);
        this.#isStale = true;
        return;
      }
      const fault = asFault(error);
      // An error of JSON-RPC is an answer, too.
      if (fault.kind === 'refused') health.found(permit);
      else health.missed(permit, fault);
    }
  }
}
