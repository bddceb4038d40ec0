import { lookup } from 'node:dns/promises';
import { request } from 'node:http';
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
  readonly randomBytes: (size: number) => Buffer;
  /** Monotonic, in seconds. */
  readonly now: () => number;
  readonly onError: (error: Error) => void;
}

/** What a client sent to another replica than the one that needs it. */
export interface Forwarded {
  /** The id of its session. */
  readonly session: string;
  readonly messages: readonly object[];
}

/** What a replica says of messages that were passed to it. */
export type Receipt = Extract<PeerOutcome, 'delivered' | 'not_held'>;

/** Where replicas take messages from each other. */
export const PEER_PATH = '/peer';

/** Messages on their way to one replica at a time; further ones are dropped. */
const MAX_PASSING = 64;

/** How long a replica may take to answer, in milliseconds: it has only to look the session up. */
const TIMEOUT_MS = 2000;

/** More than any receipt has. */
const MAX_RECEIPT_BYTES = 1024;

/** How long the addresses of names are kept, in seconds: replicas come and go. */
const KEEP_ADDRESSES_SECONDS = 5;

interface Envelope extends Forwarded {
  /** Who says it has opened the envelope. */
  readonly proof: string;
}

/** The other replicas, and what is passed on to them: answers and cancellations, sealed. Nothing else ever is. */
export class Peers {
  readonly #options: PeersOptions;
  readonly #seal: Seal;
  readonly #environment: PeersEnvironment;
  #self: string | undefined;
  /** How many, by addresses. */
  readonly #passing = new Map<string, number>();
  #known: { readonly addresses: Promise<readonly string[]>; readonly until: number } | undefined;
  #unresolved = '';

  constructor(options: PeersOptions, seal: Seal, environment: PeersEnvironment) {
    this.#options = options;
    this.#seal = seal;
    this.#environment = environment;
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

  /** Where the others are, as `host:port`, this one left out. Names that cannot be resolved are left out, and counted. */
  async addresses(): Promise<readonly string[]> {
    const now = this.#environment.now();
    if (!this.#known || this.#known.until <= now)
      this.#known = { addresses: this.#resolve(), until: now + KEEP_ADDRESSES_SECONDS };
    return (await this.#known.addresses).filter((address) => address !== this.#self);
  }

  async #resolve(): Promise<readonly string[]> {
    const { names, address = '' } = this.#options;
    const resolved = await Promise.allSettled(
      names.map((name) => addressesOf(name, isIPv6(address) ? 6 : 4)),
    );
    const unresolved = names.filter((_, index) => resolved[index]?.status === 'rejected').join(', ');
    if (unresolved !== '') this.#environment.recorder.peerMessage('cancellation', 'unreachable');
    // Said once: it is asked again with each cancellation.
    if (unresolved !== '' && unresolved !== this.#unresolved)
      this.#environment.onError(
        new Error(`sessions.peers: ${unresolved} cannot be resolved; calls there are not cancelled`),
      );
    this.#unresolved = unresolved;
    return [...new Set(resolved.flatMap((each) => (each.status === 'fulfilled' ? each.value : [])))];
  }

  /** Passes messages to a replica; `undefined` stands for one that nobody knows the address of. */
  async pass(kind: PeerMessage, forwarded: Forwarded, address: string | undefined): Promise<PeerOutcome> {
    const outcome = address === undefined ? 'unreachable' : await this.#pass(forwarded, address);
    this.#environment.recorder.peerMessage(kind, outcome);
    return outcome;
  }

  async #pass(forwarded: Forwarded, address: string): Promise<PeerOutcome> {
    const passing = this.#passing.get(address) ?? 0;
    if (passing >= MAX_PASSING) return 'dropped';
    this.#passing.set(address, passing + 1);
    try {
      const proof = this.#environment.randomBytes(12).toString('base64url');
      const sealed = this.#seal.seal(JSON.stringify({ ...forwarded, proof } satisfies Envelope));
      const { status, body } = await post(address, JSON.stringify(sealed));
      if (status === 403) return 'refused';
      const { receipt, ...said } = JSON.parse(body) as { receipt: Receipt; proof: string };
      // Something else may listen there by now.
      return said.proof === proof ? receipt : 'unreachable';
    } catch {
      return 'unreachable';
    } finally {
      const left = (this.#passing.get(address) ?? 1) - 1;
      if (left > 0) this.#passing.set(address, left);
      else this.#passing.delete(address);
    }
  }

  /**
   * Takes what another replica has passed on. One who has listened could send it again, and nothing would come of it: a question
   * is answered once, and a request's id used once.
   * @param receive takes the messages, and says whether one of them was of use
   * @returns the answer; `undefined` to what no replica with a key of this one has sealed
   */
  open(sealed: unknown, receive: (forwarded: Forwarded) => boolean): object | undefined {
    const opened = typeof sealed === 'string' ? this.#seal.open(sealed) : undefined;
    if (opened?.ok !== true) return undefined;
    const { proof, ...forwarded } = JSON.parse(opened.text) as Envelope;
    return { receipt: (receive(forwarded) ? 'delivered' : 'not_held') satisfies Receipt, proof };
  }
}

/** Of a replica with addresses of both families only those of one, so that it is asked once. */
async function addressesOf(name: string, family: 4 | 6): Promise<readonly string[]> {
  const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(name) ?? [];
  const all = await lookup(host, { all: true });
  const preferred = all.filter((each) => each.family === family);
  return (preferred.length > 0 ? preferred : all).map(({ address }) => joined(address, port));
}

/** `host:port`, IPv6 in brackets and in its one form. */
const joined = (host: string, port: string): string =>
  `${new URL(`http://${isIPv6(host) ? `[${host}]` : host}`).hostname}:${port}`;

/** Not by `fetch`, which goes to no port that browsers avoid, and reads all that is answered. */
function post(address: string, body: string): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const url = new URL(PEER_PATH, `http://${address}`);
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const sent = request(url, { method: 'POST', headers, agent: false, signal }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('error', reject);
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > MAX_RECEIPT_BYTES) response.destroy(new Error('this is no receipt'));
      });
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, body: text });
      });
    });
    sent.on('error', reject).end(body);
  });
}
