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
