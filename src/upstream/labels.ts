/** The states of an upstream; what they say, and which is the one: `state.ts`. */
export const UPSTREAM_STATES = [
  'connecting',
  'up',
  'degraded',
  'open',
  'unauthorized',
  'down',
  'removed',
] as const;
export type UpstreamState = (typeof UPSTREAM_STATES)[number];

/**
 * Why an upstream did not answer what it was asked: it could not be connected to, said nothing in time, failed (5xx), does not know its
 * session, answered what is no MCP, refused our credentials or what was asked, said too much, or was not waited for.
 */
export const FAULT_KINDS = [
  'connection',
  'timeout',
  'server',
  'session_lost',
  'broken',
  'unauthorized',
  'refused',
  'too_large',
  'given_up',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/**
 * Why a tool that an upstream lists is not offered: it has no name that can be offered, the settings leave it out, its definition is
 * one that clients would refuse, its name is taken, or there are too many.
 */
export const DROP_REASONS = ['name', 'excluded', 'schema', 'collision', 'limit'] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/** How many were dropped, by why. */
export type Dropped = Readonly<Record<DropReason, number>>;
export const NONE_DROPPED: Dropped = { name: 0, excluded: 0, schema: 0, collision: 0, limit: 0 };

/** What is said of an upstream. */
export interface UpstreamReport {
  readonly name: string;
  readonly state: UpstreamState;
  /** For how long it has been in that state. */
  readonly seconds: number;
  /** Why, in words; empty when nothing is wrong. */
  readonly why: string;
  /** How many of its tools are offered. */
  readonly tools: number;
  /** How many are not, by why. */
  readonly dropped: Dropped;
}

/**
 * What became of a Service that was found: it is an upstream, or is not, because it is this server's own, it has no address or no
 * one port to connect to, an annotation or its name is none that an upstream may have, the name is taken, or there are too many.
 */
export const SERVICE_OUTCOMES = [
  'upstream',
  'own',
  'address',
  'port',
  'annotation',
  'name',
  'name_taken',
  'limit',
] as const;
export type ServiceOutcome = (typeof SERVICE_OUTCOMES)[number];

/** A Service that was found and is no upstream. */
export interface RefusedService {
  /** `namespace/name`. */
  readonly service: string;
  readonly outcome: Exclude<ServiceOutcome, 'upstream'>;
  /** In words. */
  readonly why: string;
}

/** What is said of finding upstreams in Kubernetes. */
export interface DiscoveryReport {
  /** How many Services were found that are upstreams. */
  readonly upstreams: number;
  /** Some of those that were found and are none. */
  readonly refused: readonly RefusedService[];
  /** How many of those there are. */
  readonly refused_count: number;
  /** For how long what is known may have been out of date; since the start, where nothing is known yet. */
  readonly age_seconds: number;
  /** Why it is not known anew, in words; empty when nothing is wrong. */
  readonly why: string;
}
