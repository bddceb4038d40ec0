import {
  createLocalJWKSet,
  errors,
  type CryptoKey,
  type JSONWebKeySet,
  type JWSHeaderParameters,
} from 'jose';
import type { LoadedKeys } from './key-source.ts';

/** When keys are asked for, in seconds. */
const PACE = {
  /** After they were had: long before anybody would take them for old. */
  refresh: 600,
  /** After a failure; twice as long after each further one, up to the most, while there are keys that are good. */
  again: 30,
  againAtMost: 300,
  /** Between two questions, whatever is asked for. */
  atLeast: 30,
  /** How long the issuer may take to answer. */
  answer: 5,
} as const;

export interface KeySetOptions {
  /** Asks the issuer for its keys. */
  readonly load: (signal: AbortSignal) => Promise<LoadedKeys>;
  /** How long keys are good if no newer ones can be had, in seconds. */
  readonly keptSeconds: number;
  /** Monotonic, in seconds. */
  readonly now: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Told of each answer. */
  readonly loaded: (answer: LoadedKeys) => void;
}

/** A key, and of which set it is. */
interface Versioned {
  readonly key: CryptoKey;
  readonly version: number;
}

/** The key for a token, or why there is none. */
export type FoundKey =
  | (Versioned & { readonly ok: true })
  | { readonly ok: false; readonly reason: 'unknown_key' | 'keys_unavailable' };

/**
 * The keys of an issuer. They are asked for in the background, so that no call waits for that; where there are no newer ones, the last
 * ones stay good for a time. Nobody can make the issuer be asked more than once in 30 seconds.
 */
export class KeySet {
  readonly #options: KeySetOptions;
  readonly #stopped = new AbortController();
  #find: ReturnType<typeof createLocalJWKSet> | undefined;
  /** The keys as they came, to see whether others came. */
  #keys = '';
  #ids: ReadonlySet<string | undefined> = new Set();
  #version = 0;
  /** When they came; before, when it was begun to ask for them. */
  #hadAt: number;
  #askedAt = -Infinity;
  #failures = 0;
  /** The question that is under way. */
  #asking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: KeySetOptions) {
    this.#options = options;
    this.#hadAt = options.now();
  }

  /** Begins to ask for the keys; waits for nothing. */
  start(): void {
    this.#hadAt = this.#options.now();
    void this.#ask();
  }

  /** Ends that, and what is under way. */
  stop(): void {
    this.#stopped.abort();
    clearTimeout(this.#timer);
  }

  /** How long ago the keys were last had, in seconds; before, how long they are being asked for. */
  get ageSeconds(): number {
    return this.#options.now() - this.#hadAt;
  }

  /** Whether there are keys that are good. */
  get areGood(): boolean {
    return this.#find !== undefined && this.ageSeconds <= this.#options.keptSeconds;
  }

  /** Another for each other set of keys. */
  get version(): number {
    return this.#version;
  }

  /** The key that a token names. One that is not known has the issuer asked, if it has not been just now. */
  async keyFor(header: JWSHeaderParameters): Promise<FoundKey> {
    if (!this.areGood) await this.#asking;
    if (!this.areGood) return { ok: false, reason: 'keys_unavailable' };
    const found = (await this.#known(header)) ?? (await this.#askedFor(header));
    return found ? { ok: true, ...found } : { ok: false, reason: 'unknown_key' };
  }

  async #askedFor(header: JWSHeaderParameters): Promise<Versioned | undefined> {
    const { now } = this.#options;
    if (!this.#asking && now() - this.#askedAt < PACE.atLeast) return undefined;
    await (this.#asking ?? this.#ask());
    return this.#known(header);
  }

  async #known(header: JWSHeaderParameters): Promise<Versioned | undefined> {
    // To find out by an error costs more than all the rest.
    if (header.kid !== undefined && !this.#ids.has(header.kid)) return undefined;
    // Others may come meanwhile.
    const version = this.#version;
    try {
      const key = await this.#find?.(header);
      return key && { key, version };
    } catch (error) {
      // None matches, several do, or it is no key at all.
      if (error instanceof errors.JOSEError || error instanceof TypeError || error instanceof DOMException)
        return undefined;
      throw error;
    }
  }

  #ask(): Promise<void> {
    this.#asking ??= this.#load().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #load(): Promise<void> {
    const { load, now, loaded } = this.#options;
    clearTimeout(this.#timer);
    this.#askedAt = now();
    const late = new AbortController();
    const patience = setTimeout(() => {
      late.abort(new Error(`no answer in ${PACE.answer} s`));
    }, PACE.answer * 1000).unref();
    let answer: LoadedKeys;
    try {
      answer = await load(AbortSignal.any([late.signal, this.#stopped.signal]));
      if (answer.ok && !this.#stopped.signal.aborted) this.#take(answer.keys);
    } catch (error) {
      // Whatever an issuer answers, who has no token of it is served.
      answer = { ok: false, outcome: 'invalid', problem: `its keys cannot be used: ${String(error)}` };
    }
    clearTimeout(patience);
    if (this.#stopped.signal.aborted) return;
    if (!answer.ok) this.#failures += 1;
    this.#timer = setTimeout(() => void this.#ask(), this.#pause() * 1000).unref();
    loaded(answer);
  }

  #take(keys: JSONWebKeySet): void {
    // Either may throw: what there was stands then.
    const written = JSON.stringify(keys);
    const find = written === this.#keys ? this.#find : createLocalJWKSet(keys);
    this.#failures = 0;
    this.#hadAt = this.#options.now();
    if (find === this.#find) return;
    this.#keys = written;
    this.#version += 1;
    this.#ids = new Set(keys.keys.map(({ kid }) => kid));
    this.#find = find;
  }

  /** Seconds until they are asked for again. Replicas that began together do not ask together for long. */
  #pause(): number {
    const spread = 1 + this.#options.random() / 4;
    if (this.#failures === 0) return PACE.refresh * spread;
    // Without any, tokens are refused: as often as may be.
    if (!this.areGood) return PACE.again * spread;
    return Math.min(PACE.again * 2 ** (this.#failures - 1), PACE.againAtMost) * spread;
  }
}
