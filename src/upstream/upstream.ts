import type { OfferedTool } from '../tools/offered-tool.ts';
import type { ToolCall } from '../tools/call.ts';
import type { ToolContext } from '../tools/tool.ts';
import { callOf, type KeptState } from './call-params.ts';
import { CallerLinks, ownerOf, type CallOwner } from './caller-links.ts';
import { readDefinitions, type Definition, type Listed } from './definitions.ts';
import { endedBy, Fault, mayBeStale } from './fault.ts';
import { Health } from './health.ts';
import { HeldCalls } from './held-calls.ts';
import { InFlight } from './in-flight.ts';
import { Link, type LinkOptions, type ClientOperation } from './link.ts';
import type { ListHints } from './listing.ts';
import { Pools } from './pools.ts';
import { tellingOf, type Asking } from './questions.ts';
import { Relay, type RelayEnvironment } from './relay/relay.ts';
import { callInSession, type SessionCallsOptions } from './session-calls.ts';
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
  /** Makes ids that no other process makes. */
  readonly newId: () => string;
  readonly pace: Pace;
  /** The largest message that is read, besides lists. */
  readonly maxBytes: number;
  readonly relay: RelayEnvironment;
}

export interface UpstreamEvents {
  readonly listed: () => void;
  readonly changed: (transition: Transition) => void;
  readonly observe: (operation: ClientOperation) => void;
  /** The tool that is offered for one of the upstream's. */
  readonly toolOf: (ownName: string) => OfferedTool | undefined;
}

/** Another MCP server, whose tools are offered here. */
export class Upstream {
  readonly spec: UpstreamSpec;
  /** Passes whole protocol sessions through to it. */
  readonly relay: Relay;
  readonly #health: Health;
  readonly #pools: Pools;
  readonly #callers: CallerLinks;
  readonly #supervisor: Supervisor;
  readonly #sessionCalls: SessionCallsOptions;
  readonly #calls = new InFlight();
  readonly #held: HeldCalls;
  #listed: Listed | undefined;
  #hints: ListHints = {};

  constructor(spec: UpstreamSpec, environment: UpstreamEnvironment, events: UpstreamEvents) {
    const { info, now, random, newId, pace, maxBytes, relay } = environment;
    this.#held = new HeldCalls({ now, newId, waitSeconds: relay.inputWaitSeconds });
    this.spec = spec;
    this.#health = new Health(now, random, pace.calm, (transition) => {
      events.changed(transition);
      if (transition.to !== transition.from) this.#supervisor.wake();
    });
    this.#callers = new CallerLinks(now);
    this.#pools = new Pools(spec);
    const { name, url, headers } = spec;
    const observe = (operation: ClientOperation): void => {
      events.observe(operation);
      // There is one at least every now and then.
      this.#callers.sweep();
    };
    const pools = { pool: this.#pools.calls, asidePool: this.#pools.aside };
    const link = { name, url, headers, ...pools, answerSeconds: pace.answer, maxBytes, now, info, observe };
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
    this.#sessionCalls = {
      callers: this.#callers,
      link: { ...link, listChanged: this.#supervisor.listAgain },
      askingPool: this.#pools.asking,
      seconds: pace.answer,
      // Ours may be gone with it.
      maybeLost: () => {
        this.#supervisor.lookNow();
      },
    };
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
    this.#held.close();
    await Promise.all([this.#supervisor.stop(), this.#callers.close()]);
    await this.#pools.destroy();
  }

  /**
   * It is no upstream any more: it takes no more calls, and ends when those in flight have, which their deadlines see to.
   * @param isReplaced whether there is another of its name
   */
  async remove(isReplaced: boolean): Promise<void> {
    this.#health.removed();
    this.#supervisor.rest();
    this.#held.close();
    await Promise.all([this.#calls.ended(), this.relay.retire(isReplaced)]);
    await this.stop();
  }

  /** Has its list read again, soon: it may not have a tool any more that it listed. */
  listAgain(): void {
    this.#supervisor.listAgain();
  }

  /**
   * Makes a call of one of its tools, or goes on with one that asked; resolves to the result as the upstream sent it, or to what it
   * {@link Asks} before.
   * @throws Fault when there is no answer, ProtocolError for a JSON-RPC error, and NotHeld
   */
  call(definition: Definition, args: object, call: ToolCall, context: ToolContext): Promise<unknown> {
    const owner = ownerOf(call);
    const { held } = (context.state ?? {}) as KeptState;
    if (held !== undefined) return this.#held.resume(held, owner, context);
    const make = (within: ToolContext, asking?: Asking): Promise<unknown> =>
      this.#calls.during(() => this.#call(definition, args, call, within, asking));
    return owner.canBeAsked && this.#supervisor.link?.hasSession === true
      ? this.#held.begin(owner, context, make)
      : make(context);
  }

  /** Ends a call that asked, and that nobody goes on with. */
  forget(held: string): void {
    this.#held.forget(held);
  }

  async #call(
    definition: Definition,
    args: object,
    call: ToolCall,
    context: ToolContext,
    asking: Asking | undefined,
  ): Promise<unknown> {
    const health = this.#health;
    const link = this.#supervisor.link;
    const { state, why } = health.state;
    let permit = state === 'unauthorized' || state === 'removed' ? undefined : health.enter();
    if (!permit || !link) {
      if (permit) health.abandoned(permit);
      throw new Fault('connection', state === 'removed' ? 'it was removed' : why || 'it is being connected');
    }
    // Who asks is there: others need not wait until that is answered.
    const heard =
      asking &&
      tellingOf(asking, () => {
        if (permit) health.found(permit);
        permit = 'normal';
      });
    try {
      const { made, watched } = callOf(definition, args, call, context);
      const by = (through: Link, signal: AbortSignal): Promise<unknown> =>
        through.call(made, { ...watched, asking: heard }, signal);
      const result = await this.#send(link, ownerOf(call), by, context.signal);
      health.answered(permit);
      return result;
    } catch (error) {
      const { aborted } = context.signal;
      const fault = aborted ? endedBy(context.signal, this.spec.timeoutSeconds) : error;
      if (fault instanceof Fault && fault.kind === 'given_up') health.abandoned(permit);
      else if (fault instanceof Fault) health.failed(permit, fault);
      else health.answered(permit);
      // One call may be refused for what it is, and all for who we are: a look tells.
      if (mayBeStale(fault) || (fault instanceof Fault && fault.kind === 'unauthorized'))
        this.#supervisor.lookNow();
      throw fault;
    }
  }

  /** Sends a call by the shared link, or in a session of its owner's where the upstream has sessions. */
  async #send(
    shared: Link,
    owner: CallOwner,
    by: (link: Link, signal: AbortSignal) => Promise<unknown>,
    signal: AbortSignal,
  ): Promise<unknown> {
    const stop = new AbortController();
    const end = (): void => {
      stop.abort(endedBy(signal, this.spec.timeoutSeconds));
    };
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
    try {
      if (!shared.hasSession) return await by(shared, stop.signal);
      return await callInSession(this.#sessionCalls, owner, (link) => by(link, stop.signal), stop.signal);
    } finally {
      signal.removeEventListener('abort', end);
    }
  }
}
