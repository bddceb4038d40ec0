import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FullUpstream } from '../support/full-upstream.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { areUp } from '../upstream/state-now.ts';
import { runSuite, type Report, type Revision } from './conformance-suite.ts';

const FIXTURE_TOOLS = fileURLToPath(new URL('fixture-tools.ts', import.meta.url));
const PATIENCE_MS = 300_000;

const full = new FullUpstream();
let fixture: TestServer;
let server: TestServer;
/** The base of each upstream's URL. */
let urls: Readonly<Record<string, string>>;

beforeAll(async () => {
  fixture = await startTestServer({
    limits: { callsPerSecond: 0 },
    tools: { modules: [FIXTURE_TOOLS], enabled: ['fixture-tools'] },
  });
  urls = { fixture: fixture.url, full: (await full.listen()).replace(/\/mcp$/, '') };
  server = await startTestServer(
    {
      limits: { callsPerSecond: 0 },
      tools: { enabled: ['add'] },
      upstreams: Object.entries(urls).map(([name, url]) => ({ name, url: `${url}/mcp`, timeoutSeconds: 60 })),
    },
    undefined,
    { silence: 3600, answer: 60 },
  );
  await areUp(server, ...Object.keys(urls));
});

afterAll(async () => {
  await server.stop();
  await fixture.stop();
  full.close();
});

/** What each check came to, scenario by scenario. */
const verdicts = ({ scenarios }: Report) =>
  Object.fromEntries(
    [...scenarios].map(([scenario, checks]) => [
      scenario,
      checks.map(({ id, status }) => `${id}: ${status}`),
    ]),
  );

const passed = ({ scenarios }: Report): number =>
  [...scenarios.values()].flat().filter(({ status }) => status === 'SUCCESS').length;

/** Each with so many checks at least that pass: two that failed in the same way would say nothing. */
const RUNS: readonly (readonly [Revision, string, readonly string[], number])[] = [
  ['2026-07-28', 'fixture', ['--requirements', '2026-07-28'], 30],
  ['2025-11-25', 'fixture', ['--requirements', '2025-11-25'], 15],
  ['2025-11-25', 'full', ['--requirements', '2025-11-25'], 20],
  ['2026-07-28', 'fixture', ['--suite', 'pending', '--spec-version', '2026-07-28'], 3],
  ['2025-11-25', 'full', ['--suite', 'pending', '--spec-version', '2025-11-25'], 1],
  ['2025-11-25', 'full', ['--scenario', 'server-session-lifecycle', '--spec-version', '2025-11-25'], 1],
];

describe('the official suite finds the same, check by check, in an upstream and through its relay', () => {
  it.each(RUNS)(
    '%s of the server %s, %j',
    { timeout: PATIENCE_MS },
    async (revision, name, flags, atLeast) => {
      const [direct, relayed] = await Promise.all([
        runSuite(urls[name] ?? '', revision, flags),
        runSuite(`${server.url}/servers/${name}`, revision, flags),
      ]);
      expect(verdicts(relayed)).toEqual(verdicts(direct));
      expect(passed(direct), direct.output).toBeGreaterThanOrEqual(atLeast);
    },
  );
});
