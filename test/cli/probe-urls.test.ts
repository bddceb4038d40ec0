import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/cli/run.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

let server: TestServer;
let ops = '';
beforeAll(async () => {
  server = await startTestServer({ ops: { port: 0 } });
  ops = server.opsUrl ?? '';
});
afterAll(() => server.stop());

async function probe(args: readonly string[]): Promise<{ readonly code: number; readonly text: string }> {
  let text = '';
  const code = await run({
    argv: ['probe', ...args],
    env: {},
    directory: '.',
    version: '0.0.0',
    now: () => performance.now() / 1000,
    unixTime: () => Date.now() / 1000,
    stdout: { write: (written: string) => (text += written) },
    stderr: { write: (written: string) => (text += written) },
    stopRequested: new Promise(() => undefined),
  });
  return { code, text };
}

describe('a URL of the operations port', () => {
  it.each(['', '/', '/metrics'])(
    'is understood as that of the metrics: --metrics-url URL%s',
    async (path) => {
      const { code, text } = await probe([server.url, '--metrics-url', `${ops}${path}`]);
      expect(text).toContain(`${ops}/metrics, text/plain`);
      expect(text).toContain(`${ops}/readyz`);
      expect(code, text).toBe(0);
    },
  );

  it.each(['', '/', '/readyz'])('is understood as that of readiness: --ready-url URL%s', async (path) => {
    const { code, text } = await probe([server.url, '--no-metrics', '--ready-url', `${ops}${path}`]);
    expect(text).toMatch(new RegExp(`^ok .*${ops}/readyz$`, 'm'));
    expect(code, text).toBe(0);
  });

  it('that has a path is taken as it is', async () => {
    const { code, text } = await probe([server.url, '--metrics-url', `${ops}/livez`]);
    expect(text).toContain(`${ops}/livez`);
    expect(code).toBe(1);
  });
});
