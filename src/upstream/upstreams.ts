import { createHmac } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Audit } from '../monitoring/audit/audit.ts';
import type { Logger } from '../monitoring/logging.ts';
import type { UpstreamRecorder } from '../monitoring/metrics/upstream-recorder.ts';
import { createLane, type Lane } from '../tools/admission.ts';
import type { Catalogue } from '../tools/catalogue.ts';
import type { OfferedTool } from '../tools/offered-tool.ts';
import { DefinitionChanges } from './definition-changes.ts';
import type { Definition } from './definitions.ts';
import { NONE_DROPPED, type Dropped, type UpstreamReport } from './labels.ts';
import { strictest, type ListHints } from './listing.ts';
import { offering } from './offering.ts';
import type { Relay } from './relay/relay.ts';
import type { Transition } from './state.ts';
import { UnmatchedNames } from './unmatched-names.ts';
import { upstreamTool } from './upstream-tool.ts';
import { Upstream, type UpstreamEnvironment, type UpstreamSpec } from './upstream.ts';

export interface UpstreamsOptions {
  readonly catalogue: Catalogue;
  readonly recorder: UpstreamRecorder;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  readonly audit: Pick<Audit, 'changed'> | undefined;
  /** With it URLs are hashed for audit events. */
  readonly hashKey: Uint8Array;
  readonly environment: UpstreamEnvironment;
  /** In seconds of Unix time. */
  readonly unixTime: () => number;
  /** Most tools offered of all together. */
  readonly maxTools: number;
}

interface Entry {
  readonly upstream: Upstream;
  /** Where calls of all its tools have their places. */
  readonly lane: Lane;
  readonly unmatched: UnmatchedNames;
  dropped: Dropped;
  offered: number;
  /** What of it is offered, by the names that it has itself. */
  tools: ReadonlyMap<string, OfferedTool>;
}

interface OfferedNow {
  readonly tool: OfferedTool;
  readonly upstream: Upstream;
  readonly digest: string;
}

/** As many tools are named in a line of the log. */
const MAX_NAMED = 20;

/** The upstreams there are, and what of them is offered in the catalogue. */
export class Upstreams {
  readonly #options: UpstreamsOptions;
  /** In the order in which names belong to them. */
  #entries: readonly Entry[] = [];
  /** Those that were removed, while calls of them are in flight. */
  readonly #leaving = new Set<Upstream>();
  #offered: ReadonlyMap<string, OfferedNow> = new Map();

  constructor(options: UpstreamsOptions) {
    this.#options = options;
    options.recorder.bindFaults(() =>
      this.#entries.map(({ upstream }) => [upstream.spec.name, upstream.state.fault] as const),
    );
  }

  /**
   * Makes the upstreams there are those that are wanted: starts new ones, lets those that are not wanted any more end their calls,
   * and lets alone those that are wanted as they are. Waits for none of them.
   */
  want(specs: readonly UpstreamSpec[]): void {
    const wanted = new Map(specs.map((spec) => [spec.name, spec]));
    const kept = new Map(
      this.#entries
        .filter(({ upstream }) => isDeepStrictEqual(wanted.get(upstream.spec.name), upstream.spec))
        .map((entry) => [entry.upstream.spec.name, entry]),
    );
    const gone = this.#entries.filter(({ upstream }) => !kept.has(upstream.spec.name));
    for (const { upstream } of gone) void this.#remove(upstream, wanted.has(upstream.spec.name));
    const fresh = specs.filter(({ name }) => !kept.has(name)).map((spec) => this.#create(spec));
    const all = new Map([...kept, ...fresh.map((entry) => [entry.upstream.spec.name, entry] as const)]);
    this.#entries = specs.flatMap(({ name }) => all.get(name) ?? []);
    if (gone.length > 0) this.#offer();
    for (const { upstream } of gone)
      if (!all.has(upstream.spec.name)) this.#options.recorder.removed(upstream.spec.name);
    this.#audit(gone, fresh);
    for (const { upstream } of fresh) upstream.start();
  }

  /** How each is, in order. */
  report(): readonly UpstreamReport[] {
    return this.#entries.map(({ upstream, unmatched, offered, dropped }) => {
      const { state, seconds, why } = upstream.state;
      return { name: upstream.spec.name, state, seconds, why: why || unmatched.why, tools: offered, dropped };
    });
  }

  /** The relay of an upstream, if there is one of this name. */
  relay(name: string): Relay | undefined {
    return this.#entries.find(({ upstream }) => upstream.spec.name === name)?.upstream.relay;
  }

  /** Takes no more requests that would be passed on; what belongs to those in flight still passes. */
  acceptNone(): void {
    for (const { relay } of this.#all) relay.acceptNone();
  }

  /** Ends what is passed on. */
  endRelays(): void {
    for (const { relay } of this.#all) relay.close();
  }

  /** What they say of keeping their lists. */
  hints(): ListHints {
    return strictest(this.#entries.map(({ upstream }) => upstream.hints));
  }

  /** Ends all sessions and connections; the tools stay, and their calls fail. */
  async stop(): Promise<void> {
    await Promise.all(this.#all.map((upstream) => upstream.stop()));
  }

  /** Those that are leaving, too. */
  get #all(): readonly Upstream[] {
    return [...this.#entries.map(({ upstream }) => upstream), ...this.#leaving];
  }

  async #remove(upstream: Upstream, isReplaced: boolean): Promise<void> {
    this.#leaving.add(upstream);
    await upstream.remove(isReplaced);
    this.#leaving.delete(upstream);
  }

  #audit(gone: readonly Entry[], fresh: readonly Entry[]): void {
    const { audit, hashKey } = this.#options;
    const before = new Set(gone.map(({ upstream }) => upstream.spec.name));
    for (const { name, url } of fresh.map(({ upstream }) => upstream.spec)) {
      const event = before.delete(name) ? 'upstream_changed' : 'upstream_added';
      // The path of a URL may be a secret, and a change of it is to be seen all the same.
      const hash = createHmac('sha256', hashKey).update(url).digest('hex').slice(0, 12);
      audit?.changed(event, 'success', { upstream: name, origin: new URL(url).origin, url_hash: hash });
    }
    for (const upstream of before) audit?.changed('upstream_removed', 'success', { upstream });
  }

  #create(spec: UpstreamSpec): Entry {
    const { environment, recorder, logger, unixTime } = this.#options;
    const { name } = spec;
    const changes = new DefinitionChanges();
    const unmatched = new UnmatchedNames(spec, logger);
    const upstream = new Upstream(spec, environment, {
      listed: () => {
        this.#tell(name, changes.take(upstream.listed?.definitions ?? []));
        if (upstream.listed) unmatched.check(upstream.listed.names);
        this.#offer();
      },
      changed: (transition) => {
        this.#changed(name, transition);
      },
      observe: (operation) => {
        // Calls may end after it was removed, and its series stay away.
        if (this.#entries.some((entry) => entry.upstream.spec.name === name))
          recorder.operation(name, operation);
      },
      toolOf: (ownName) => entry.tools.get(ownName),
    });
    recorder.added(name);
    recorder.state(name, upstream.state.state, unixTime());
    recorder.tools(name, 0, NONE_DROPPED);
    const lane = createLane(spec.maxConcurrency, `the upstream ${name} (maxConcurrency)`);
    const entry: Entry = { upstream, lane, unmatched, dropped: NONE_DROPPED, offered: 0, tools: new Map() };
    return entry;
  }

  #changed(upstream: string, { from, to, why }: Transition): void {
    const { recorder, logger, unixTime } = this.#options;
    if (to === 'removed') {
      logger.info({ upstream }, 'upstream removed');
      return;
    }
    if (to === from) {
      logger.warn({ upstream, state: to, why }, `upstream is still ${to}, for another reason`);
      return;
    }
    recorder.entered(upstream, to, unixTime());
    if (to === 'up') logger.info({ upstream, state: to, from }, 'upstream is up');
    else logger.warn({ upstream, state: to, from, why }, `upstream is ${to}`);
  }

  /** Tells of tools that an upstream came to describe otherwise: who approved of one approved of what it was. */
  #tell(upstream: string, changed: readonly Definition[]): void {
    if (changed.length === 0) return;
    const { recorder, logger, audit } = this.#options;
    recorder.definitionsChanged(upstream, changed.length);
    const tools = changed.slice(0, MAX_NAMED).map(({ listing: { name } }) => name);
    const facts = { upstream, changed: changed.length, changed_tools: tools };
    audit?.changed('upstream_tools_changed', 'success', facts);
    logger.warn(facts, 'an upstream changed the descriptions, schemas or annotations of its tools');
  }

  /** Brings the catalogue to what is to be offered now, in one change. */
  #offer(): void {
    const { catalogue, maxTools } = this.#options;
    const own = new Set(
      catalogue.tools.filter(({ source }) => source !== 'upstream').map(({ name }) => name),
    );
    const offerings = offering(
      this.#entries.map(({ upstream }) => upstream.listed),
      (name) => own.has(name),
      maxTools,
    );
    const next = new Map<string, OfferedNow>();
    for (const [index, entry] of this.#entries.entries()) {
      const { offered = [], dropped = NONE_DROPPED, leftOut = [] } = offerings[index] ?? {};
      const { upstream, lane } = entry;
      const tools = new Map<string, OfferedTool>();
      for (const definition of offered) {
        const { name } = definition.listing;
        const { digest } = definition;
        const now = this.#offered.get(name);
        const isSame = now?.upstream === upstream && now.digest === digest;
        const offeredNow = isSame
          ? now
          : { tool: upstreamTool(definition, upstream, lane), upstream, digest };
        next.set(name, offeredNow);
        tools.set(definition.ownName, offeredNow.tool);
      }
      entry.tools = tools;
      this.#count(entry, offered.length, dropped, leftOut);
    }
    const before = this.#offered;
    this.#offered = next;
    catalogue.change({
      remove: [...before].filter(([name, { tool }]) => next.get(name)?.tool !== tool).map(([name]) => name),
      add: [...next].flatMap(([name, { tool }]) => (before.get(name)?.tool === tool ? [] : [tool])),
    });
  }

  #count(entry: Entry, offered: number, dropped: Dropped, leftOut: readonly string[]): void {
    const { recorder, logger } = this.#options;
    const { name } = entry.upstream.spec;
    const isNew = !isDeepStrictEqual(dropped, entry.dropped) || offered !== entry.offered;
    entry.dropped = dropped;
    entry.offered = offered;
    recorder.tools(name, offered, dropped);
    if (!isNew) return;
    const unwanted = { ...dropped, excluded: 0 };
    const facts = { upstream: name, tools: offered, dropped };
    if (Object.values(unwanted).some((count) => count > 0))
      logger.warn(
        { ...facts, left_out: leftOut.slice(0, MAX_NAMED) },
        'an upstream has tools that are not offered',
      );
    else logger.info(facts, 'the tools of an upstream changed');
  }
}
