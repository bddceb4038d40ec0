import { expect } from 'vitest';
import type { TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';

/** Looks at an upstream are due only when something has happened, and waits for answers are long. */
export const UNHURRIED = {
  silence: 3600,
  silenceIfIll: 0.05,
  answer: 30,
  listAtLeast: 0,
  listAtMost: 3600,
  again: 0.05,
};

/** The state that the only upstream of a server is in. */
export async function stateNow(server: TestServer): Promise<string | undefined> {
  const states = (await server.scrape()).select('mcp_upstream_state');
  return states.find(({ value }) => value === 1)?.labels['state'];
}

/** Waits until it is in a state. */
export const isIn = (server: TestServer, state: string): Promise<void> =>
  waitFor(async () => {
    expect(await stateNow(server)).toBe(state);
  });

/** Waits until upstreams are up. */
export const areUp = (server: TestServer, ...upstreams: readonly string[]): Promise<void> =>
  waitFor(async () => {
    const samples = await server.scrape();
    for (const upstream of upstreams)
      expect(samples.value('mcp_upstream_state', { upstream, state: 'up' }), upstream).toBe(1);
  });
