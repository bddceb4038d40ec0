import { Agent, Pool } from 'undici';
import { MAX_SESSIONS } from './caller-links.ts';
import { MAX_HELD } from './held-calls.ts';
import { FURTHER_EXCHANGES, MAX_EXCHANGES } from './relay/exchanges.ts';

/** Connections besides those of calls: for looking after it, and for hearing of changes. */
const FURTHER_CONNECTIONS = 4;
const ASIDE_CONNECTIONS = 2;
const CONNECT_TIMEOUT_MS = 5000;

/** The connections to an upstream: none of these takes one from another. */
export class Pools {
  readonly calls: Agent;
  /** For calls that may ask: each has one as long as it waits, and each session of them one on which it hears of questions. */
  readonly asking: Agent;
  /** For what it is told that nobody waits for, as that a call was given up. */
  readonly aside: Agent;
  readonly relayed: Pool;

  constructor({
    url,
    maxConcurrency,
    ca,
  }: {
    readonly url: string;
    readonly maxConcurrency: number;
    readonly ca: string | undefined;
  }) {
    // Nobody answers for what a proxy, or another version of HTTP, would do.
    const connect = { timeout: CONNECT_TIMEOUT_MS, allowH2: false, ...(ca !== undefined && { ca }) };
    this.calls = new Agent({ connections: maxConcurrency + FURTHER_CONNECTIONS, connect });
    this.asking = new Agent({ connections: maxConcurrency + MAX_HELD + MAX_SESSIONS, connect });
    this.aside = new Agent({ connections: ASIDE_CONNECTIONS, connect });
    const exchanges = MAX_EXCHANGES + FURTHER_EXCHANGES;
    this.relayed = new Pool(new URL(url).origin, { connections: exchanges, connect });
  }

  /** Ends all of them. */
  async destroy(): Promise<void> {
    await Promise.all([this.calls, this.asking, this.aside, this.relayed].map((pool) => pool.destroy()));
  }
}
