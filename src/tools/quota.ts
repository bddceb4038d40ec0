/** A quota per client; see {@link createQuota}. */
export interface Quota {
  /**
   * Takes a request from the client's quota, or several at once: of more than the burst, as many as that.
   * @returns 0, or the seconds after which they will fit, and then nothing was taken
   */
  take(client: string, count?: number): number;
}

const MAX_CLIENTS = 10_000;

/**
 * Limits each client to a steady rate with bursts (the generic cell rate algorithm: one timestamp a client).
 * @param callsPerSecond the steady rate; 0 means no limit
 * @param burst requests a client may make at once after a pause
 * @param now a monotonic clock, in seconds
 */
export function createQuota(callsPerSecond: number, burst: number, now: () => number): Quota {
  if (callsPerSecond === 0) return { take: () => 0 };
  const interval = 1 / callsPerSecond;
  // More than the clock's rounding errors add up to, in years of uptime.
  const tolerance = interval / 100;
  // When each client's bucket will be full again; insertion order is least recently limited first.
  const fullAt = new Map<string, number>();
  return {
    take(client, count = 1) {
      const time = now();
      const full = Math.max(fullAt.get(client) ?? time, time) + Math.min(count, burst) * interval;
      const wait = full - time - burst * interval;
      if (wait > tolerance) return wait;
      fullAt.delete(client);
      fullAt.set(client, full);
      // Forgetting the client whose last call is oldest gives it a full burst: memory stays bounded.
      if (fullAt.size > MAX_CLIENTS) {
        const [oldest = client] = fullAt.keys();
        fullAt.delete(oldest);
      }
      return 0;
    },
  };
}
