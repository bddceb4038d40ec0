import { lookup } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import type { PeerMessage, PeerOutcome } from '../monitoring/metrics/labels.ts';
import type { Recorder } from '../monitoring/metrics/recorder.ts';
import type { Seal } from './seal.ts';

export interface PeersOptions {
  /** IP address at which the others reach this replica; nothing is passed to it when left out. */
  readonly address: string | undefined;
  /** All replicas, as `host:port`; a name stands for all its addresses. */
  readonly names: readonly string[];
}

export interface PeersEnvironment {
  readonly recorder: Pick<Recorder, 'peerMessage'>;
  /** Monotonic, in seconds. */
  readonly now: () => number;
  readonly onError: (error: Error) => void;
}

/** What a client sent to another replica than the one that needs it. */
export interface Forwarded {
  /** The id of its session. */
  readonly session: string;
  readonly message: object;
}

/** What a replica says of a message that was passed to it. */
export type Receipt = Extract<PeerOutcome, 'delivered' | 'not_held' | 'refused'>;

/** Where replicas take messages from each other. */
export const PEER_PATH = '/peer';

/** How a replica says what became of a message, over HTTP. */
export const RECEIPTS: Readonly<Record<Receipt, { readonly status: number; readonly detail: string }>> = {
  delivered: { status: 200, detail: 'delivered' },
  not_held: { status: 404, detail: 'Nothing here waits for it' },
  refused: {
    status: 403,
    detail: 'No key of this replica has sealed it: sessions.stateKeyFile has to be the same in all',
  },
};

/** Messages on their way to other replicas at a time; further ones are dropped. */
const MAX_PASSING = 64;

/** How long a replica may take to answer, in milliseconds: it has only to look the session up. */
const TIMEOUT_MS = 2000;

/** How long the addresses of names are kept, in seconds: replicas come and go. */
const KEEP_ADDRESSES_SECONDS = 5;

/** The other replicas, and what is passed on to them: answers and cancellations, sealed. Nothing else ever is. */
export class Peers {
  readonly #options: PeersOptions;
  readonly #seal: Seal;
  readonly #recorder: Pick<Recorder, 'peerMessage'>;
  readonly #now: () => number;
  readonly #onError: (error: Error) => void;
  #self: string | undefined;
  #passing = 0;
  #known: { readonly addresses: Promise<readonly string[]>; readonly until: number } | undefined;

  constructor(options: PeersOptions, seal: Seal, { recorder, now, onError }: PeersEnvironment) {
    this.#options = options;
    this.#seal = seal;
    this.#recorder = recorder;
    this.#now = now;
    this.#onError = onError;
  }

  /** Whether there may be any. */
  get any(): boolean {
    return this.#options.names.length > 0;
  }

  /**
   * Says at which port this replica takes messages.
   * @returns where the others reach it, as `host:port`, if they do
   */
  listensAt(port: number): string | undefined {
    const { address } = this.#options;
    this.#self = address === undefined ? undefined : joined(address, String(port));
    return this.#self;
  }

  /** Whom to tell of a cancellation: the others, or nobody when a name cannot be resolved, which is counted. */
  async addresses(): Promise<readonly string[]> {
    if (!this.#known || this.#known.until <= this.#now())
      this.#known = {
        addresses: addressesOf(this.#options.names, isIPv6(this.#options.address ?? '') ? 6 : 4),
        until: this.#now() + KEEP_ADDRESSES_SECONDS,
      };
    try {
      return (await this.#known.addresses).filter((address) => address !== this.#self);
    } catch (error) {
      this.#recorder.peerMessage('cancellation', 'unreachable');
      this.#onError(new Error('sessions.peers cannot be resolved', { cause: error }));
      return [];
    }
  }

  /** Passes a message to a replica; `undefined` stands for one that nobody knows the address of. */
  async pass(kind: PeerMessage, forwarded: Forwarded, address: string | undefined): Promise<PeerOutcome> {
    const outcome = await this.#pass(forwarded, address);
    this.#recorder.peerMessage(kind, outcome);
    return outcome;
  }

  async #pass(forwarded: Forwarded, address: string | undefined): Promise<PeerOutcome> {
    if (address === undefined) return 'unreachable';
    if (this.#passing >= MAX_PASSING) return 'dropped';
    this.#passing += 1;
    try {
      const response = await fetch(`http://${address}${PEER_PATH}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(this.#seal.seal(JSON.stringify(forwarded))),
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      await response.arrayBuffer();
      return receiptOf(response.status) ?? 'unreachable';
    } catch {
      return 'unreachable';
    } finally {
      this.#passing -= 1;
    }
  }

  /**
   * What another replica has passed on. One who has listened could send it again, and nothing would come of it: a question is
   * answered once, and a request's id used once.
   * @returns `undefined` for what none of them has sealed
   */
  open(sealed: unknown): Forwarded | undefined {
    const opened = typeof sealed === 'string' ? this.#seal.open(sealed) : undefined;
    return opened?.ok === true ? (JSON.parse(opened.text) as Forwarded) : undefined;
  }
}

function receiptOf(status: number): Receipt | undefined {
  const receipts = Object.keys(RECEIPTS) as Receipt[];
  return receipts.find((receipt) => RECEIPTS[receipt].status === status);
}

/** Of a replica that has addresses of both families, only that of one. */
async function addressesOf(names: readonly string[], family: 4 | 6): Promise<readonly string[]> {
  const found = await Promise.all(
    names.map(async (name) => {
      const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(name) ?? [];
      const resolved = await lookup(host, { all: true, family });
      return resolved.map(({ address }) => joined(address, port));
    }),
  );
  return [...new Set(found.flat())];
}

const joined = (host: string, port: string): string =>
  isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
