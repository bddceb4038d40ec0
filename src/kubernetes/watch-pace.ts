/** When the API is asked, in seconds. */
export interface WatchPace {
  /** From a list to the next one, whatever the watch says meanwhile; a tenth more or less. */
  readonly resync: number;
  /** From a list to the next one, at least, unless it could not be had. */
  readonly listAtLeast: number;
  /** Until what failed is tried again: at first, and at most; it doubles in between. */
  readonly again: number;
  readonly againAtMost: number;
  /** As long as that the API may have it not asked, at most (`Retry-After`). */
  readonly retryAfterAtMost: number;
  /** How long a page of a list may take; and a watch after its end is due. */
  readonly patience: number;
}

export const WATCH_PACE: WatchPace = {
  resync: 60,
  listAtLeast: 30,
  again: 1,
  againAtMost: 30,
  retryAfterAtMost: 60,
  patience: 10,
};
