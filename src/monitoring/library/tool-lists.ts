import { fieldOf, toolNamesIn } from '../door/message.ts';
import type { RequestHandler } from './server-shape.ts';
import type { KnownTools } from './known-tools.ts';

/** What became of asking a server for its tools. */
export interface Listing {
  /** Resolves when it is over, whatever came of it. */
  readonly ended: Promise<void>;
  readonly state: 'asked' | 'had' | 'failed';
}

/** Servers of a kind are asked no more often, whatever their clients call. */
const ASKED_AGAIN_AFTER_SECONDS = 10;

/** A list that takes longer is not waited for. */
const MAX_WAIT_MS = 5000;

const MAX_PAGES = 50;

/** Kinds of servers told apart: their names are the application's, but may be any number. */
const MAX_KINDS = 100;

/** Asks servers for their tools, when one that they did not register is called and nobody has listed it yet. */
export class ToolLists {
  readonly #tools: KnownTools;
  readonly #now: () => number;
  readonly #lately = new Map<string, { readonly askedAt: number; readonly listing: Listing }>();

  /** @param now monotonic, in seconds */
  constructor(tools: KnownTools, now: () => number) {
    this.#tools = tools;
    this.#now = now;
  }

  /**
   * The list of a server, asked for now or a moment ago.
   * @param kind what servers that have the same tools have in common
   * @param list answers tools/list
   * @param context what comes with the request that it is asked for
   */
  of(kind: string, list: RequestHandler, context: unknown): Listing {
    const now = this.#now();
    const known = this.#lately.get(kind);
    if (known && now < known.askedAt + ASKED_AGAIN_AFTER_SECONDS) return known.listing;
    const listing = this.#ask(list, context);
    const [oldest] = this.#lately.keys();
    if (this.#lately.size >= MAX_KINDS && oldest !== undefined) this.#lately.delete(oldest);
    this.#lately.set(kind, { askedAt: now, listing });
    return listing;
  }

  #ask(list: RequestHandler, context: unknown): Listing {
    const listing: { state: Listing['state'] } = { state: 'asked' };
    const over = (state: Listing['state']): void => {
      if (listing.state === 'asked') listing.state = state;
    };
    const { promise: tooLate, resolve: giveUp } = Promise.withResolvers<undefined>();
    const timer = setTimeout(giveUp, MAX_WAIT_MS, undefined).unref();
    const asked = this.#learnAll(list, context).then(
      () => {
        over('had');
      },
      () => {
        over('failed');
      },
    );
    const ended = Promise.race([asked, tooLate]).then(() => {
      clearTimeout(timer);
      over('failed');
    });
    return Object.assign(listing, { ended });
  }

  async #learnAll(list: RequestHandler, context: unknown): Promise<void> {
    let cursor: unknown;
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const params = cursor === undefined ? {} : { cursor };
      const result = await list({ jsonrpc: '2.0', id: 0, method: 'tools/list', params }, context);
      for (const name of toolNamesIn({ result })) this.#tools.learn(name);
      cursor = fieldOf(result, 'nextCursor');
      if (typeof cursor !== 'string') return;
    }
  }
}
