import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EventLoopMonitor } from '../../src/monitoring/metrics/event-loop.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ tools: { enabled: ['blocks'] } });
});
afterAll(() => server.stop());

function block(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

describe('peaks of the event loop', () => {
  it('are the same for everybody who scrapes: nobody takes them from the others', async () => {
    await server.execute('blocks', { milliseconds: 400 });
    const scrapes = [await server.scrape(), await server.scrape(), await server.scrape()];
    for (const samples of scrapes) {
      expect(samples.value('nodejs_eventloop_lag_max_seconds')).toBeGreaterThan(0.3);
      expect(samples.value('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThan(0);
      expect(samples.value('nodejs_eventloop_utilization')).toBeGreaterThan(0);
    }
  });

  it('are there for a window at least, and not for ever', async () => {
    const monitor = new EventLoopMonitor();
    // Delays are measured from one turn to the next.
    await waitFor(() => {
      expect(monitor.read().max).toBeGreaterThan(0);
    });
    block(300);
    await waitFor(() => {
      expect(monitor.read().max).toBeGreaterThan(0.25);
    });
    expect(monitor.read().seconds).toBeGreaterThan(0.3);
    monitor.turn();
    expect(monitor.read().max).toBeGreaterThan(0.25);
    monitor.turn();
    expect(monitor.read()).toMatchObject({ max: 0, p99: 0 });
  });
});
