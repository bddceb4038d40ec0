import type { OfferedTool } from '../tools/offered-tool.ts';
import type { Failure, ToolCall } from '../tools/call.ts';
import type { ToolContext } from '../tools/tool.ts';
import { callOf } from './call-params.ts';
import { CallerLinks, ownerOf, type SessionOwner } from './caller-links.ts';
import { readDefinitions, type Definition, type Listed } from './definitions.ts';
import { Fault, givenUp, mayBeStale, noAnswerWithin } from './fault.ts';
import { Health } from './health.ts';
import { InFlight } from './in-flight.ts';
import { Link, type LinkOptions, type Operation } from './link.ts';
import type { ListHints } from './listing.ts';
import { Pools } from './pools.ts';
import { Relay, type RelayEnvironment } from './relay/relay.ts';
import type { Transition } from './state.ts';
import { Supervisor, type Pace } from './supervisor.ts';

/** An upstream, as it is wanted. */
export interface UpstreamSpec {
  readonly name: string;
  readonly url: string;
  /** Begins the names of its tools. */
  readonly prefix: string;
  /** Sent with each request; hold secrets. */
  readonly headers: Readonly<Record<string, string>>;
  readonly ca: string | undefined;
  readonly tools: { readonly include: readonly string[]; readonly exclude: readonly string[] };
  readonly timeoutSeconds: number;
  /** Of all its tools together. */
  readonly maxConcurrency: number;
  /** Whether the reasons that it gives for failures are taken over. */
  readonly trustReasons: boolean;
}

/** What surrounds an upstream. */
export interface UpstreamEnvironment {
  readonly info: LinkOptions['info'];
  /** Monotonic, in seconds. */
  readonly now: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly pace: Pace;
  /** The largest message that is read, besides lists. */
  readonly maxBytes: number;
  readonly relay: RelayEnvironment;
}

export interface UpstreamEvents {
  readonly listed: () => void;
  readonly changed: (transition: Transition) => void;
  readonly observe: (operation: Operation) => void;
  /** The tool that is offered for one of the upstream's. */
  readonly toolOf: (ownName: string) => OfferedTool | undefined;
}

const BAD_REQUEST = 400;

/** Another MCP server, whose tools are offered here. */
export class Upstream {
  readonly spec: UpstreamSpec;
  /** Passes whole protocol sessions through to it. */
  readonly relay: Relay;
  readonly #health: Health;
  readonly #pools: Pools;
  readonly #callers: CallerLinks;
  readonly #supervisor: Supervisor;
  readonly #link: LinkOptions;
  readonly #pace: Pace;
  readonly #calls = new InFlight();
  #listed: Listed | undefined;
  #hints: ListHints = {};

  constructor(spec: UpstreamSpec, environment: UpstreamEnvironment, events: UpstreamEvents) {
    const { info, now, random, pace, maxBytes, relay } = environment;
    this.spec = spec;
    this.#pace = pace;
    this.#health = new Health(now, random, pace.calm, (transition) => {
      events.changed(transition);
      this.#supervisor.wake();
    });
    this.#callers = new CallerLinks(now);
    this.#pools = new Pools(spec);
    const { url, headers } = spec;
    const observe = (operation: Operation): void => {
      events.observe(operation);
      // There is one at least every now and then.
      this.#callers.sweep();
    };
    const pools = { pool: this.#pools.calls, asidePool: this.#pools.aside };
    const link = { url, headers, ...pools, answerSeconds: pace.answer, maxBytes, now, info, observe };
    this.#supervisor = new Supervisor({
      link,
      health: this.#health,
      pace,
      random,
      now,
      listed: ({ tools, hints }) => {
        this.#hints = hints;
        const which = { prefix: spec.prefix, ...spec.tools };
        this.#listed = readDefinitions(tools, which, this.#listed?.definitions);
        events.listed();
      },
    });
    this.#link = { ...link, listChanged: this.#supervisor.listAgain };
    this.relay = new Relay({
      spec,
      health: this.#health,
      lookNow: () => {
        this.#supervisor.lookNow();
      },
      toolOf: events.toolOf,
      observe: events.observe,
      pool: this.#pools.relayed,
      environment: relay,
    });
  }

  get state(): Health['state'] {
    return this.#health.state;
  }

  /** What it last listed; it stays when the upstream is gone, until it is removed. */
  get listed(): Listed | undefined {
    return this.#listed;
  }

  /** What it says of keeping its list. */
  get hints(): ListHints {
    return this.#hints;
  }

  start(): void {
    this.#supervisor.start();
  }

  /** Ends its sessions and connections. */
  async stop(): Promise<void> {
    this.relay.close();
    await Promise.all([this.#supervisor.stop(), this.#callers.close()]);
    await this.#pools.destroy();
  }

  /** It is no upstream any more: it takes no more calls, and ends when those in flight have, which their deadlines see to. */
  async remove(): Promise<void> {
    this.#health.removed();
    this.relay.close();
    this.#supervisor.rest();
    await this.#calls.ended();
    await this.stop();
  }

  /** Has its list read again, soon: it may not have a tool any more that it listed. */
  listAgain(): void {
    this.#supervisor.listAgain();
  }

  /**
   * Makes a call of one of its tools; resolves to the result as the upstream sent it.
   * @throws Fault when there is no answer, and ProtocolError for a JSON-RPC error
   */
  call(definition: Definition, args: object, call: ToolCall, context: ToolContext): Promise<unknown> {
    return this.#calls.during(() => this.#call(definition, args, call, context));
  }

  async #call(definition: Definition, args: object, call: ToolCall, context: ToolContext): Promise<unknown> {
    const health = this.#health;
    const link = this.#supervisor.link;
    const { state, why } = health.state;
    const leave = state === 'unauthorized' || state === 'removed' ? undefined : health.enter();
    if (!leave || !link) {
      if (leave) health.abandoned(leave);
      throw new Fault('connection', state === 'removed' ? 'it was removed' : why || 'it is being connected');
    }
    try {
      const result = await this.#send(link, definition, args, call, context);
      health.answered(leave);
      return result;
    } catch (error) {
      const { aborted } = context.signal;
      const fault = aborted ? this.#endOf(context.signal) : error;
      if (fault instanceof Fault && fault.kind === 'given_up') health.abandoned(leave);
      else if (fault instanceof Fault) health.failed(leave, fault);
      else health.answered(leave);
      // One call may be refused for what it is, and all for who we are: a look tells.
      if (mayBeStale(fault) || (fault instanceof Fault && fault.kind === 'unauthorized'))
        this.#supervisor.lookNow();
      throw fault;
    }
  }

  /** Why a call was ended here. */
  #endOf({ reason }: AbortSignal): Fault {
    return (reason as Failure).reason === 'timeout' ? noAnswerWithin(this.spec.timeoutSeconds) : givenUp();
  }

  async #send(
    shared: Link,
    definition: Definition,
    args: object,
    call: ToolCall,
    context: ToolContext,
  ): Promise<unknown> {
    const { made, watched } = callOf(definition, args, call, context);
    const stop = new AbortController();
    const end = (): void => {
      stop.abort(this.#endOf(context.signal));
    };
    context.signal.addEventListener('abort', end);
    if (context.signal.aborted) end();
    const by = (link: Link): Promise<unknown> => link.call(made, watched, stop.signal);
    try {
      if (!shared.hasSession) return await by(shared);
      return await this.#inSession(ownerOf(call), by, stop.signal);
    } finally {
      context.signal.removeEventListener('abort', end);
    }
  }

  /** Makes a call in its caller's session. That a session is lost says that the call was not run: so it is made in a new one. */
  async #inSession(
    owner: SessionOwner,
    by: (link: Link) => Promise<unknown>,
    signal: AbortSignal,
  ): Promise<unknown> {
    const open = (opening: AbortSignal): Promise<Link> =>
      Link.connect(this.#link, this.#pace.answer, { prior: { kind: 'legacy' }, signal: opening });
    const attempt = (): Promise<unknown> =>
      this.#callers.use(owner, open, async (link) => {
        try {
          return await by(link);
        } catch (error) {
          // Many say "bad request" of a session that they do not know, and of others, too: so that one is not made again.
          if (error instanceof Fault && (error.kind === 'session_lost' || error.status === BAD_REQUEST)) {
            await this.#callers.lost(owner.caller, link);
            // Ours may be gone with it.
            this.#supervisor.lookNow();
          }
          throw error;
        }
      });
    try {
      return await attempt();
    } catch (error) {
      const isLost = error instanceof Fault && error.kind === 'session_lost';
      if (!isLost || signal.aborted) throw error;
      return attempt();
    }
  }
}
