import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type ServerProcess } from '../support/server-process.ts';
import { expectedFailures, failuresOf, runSuite, summarise, type Revision } from './conformance-suite.ts';

const FIXTURE_TOOLS = fileURLToPath(new URL('fixture-tools.ts', import.meta.url));
const PATIENCE_MS = 300_000;

const REVISIONS: readonly Revision[] = ['2026-07-28', '2025-11-25'];

/**
 * Scenarios that no requirement set counts, by how the suite is told to run them: each with the check without which it would
 * pass for nothing.
 */
const UNCOUNTED: readonly (readonly [readonly string[], Revision, Readonly<Record<string, string>>])[] = [
  [
    ['--suite', 'pending'],
    '2026-07-28',
    {
      'json-schema-2020-12': 'sep-2106-composition-keywords-preserved',
      'http-header-validation': 'sep-2243-server-reject-invalid-headers',
      'http-custom-header-server-validation': 'sep-2243-server-reject-param-mismatch',
    },
  ],
  [
    ['--suite', 'pending'],
    '2025-11-25',
    {
      'json-schema-2020-12': 'json-schema-2020-12-$defs',
      'server-sse-polling': 'server-sse-disconnect-resume',
    },
  ],
  [
    ['--scenario', 'server-session-lifecycle'],
    '2025-11-25',
    { 'server-session-lifecycle': 'server-session-terminated-returns-404' },
  ],
];

let server: ServerProcess;

beforeAll(async () => {
  server = await startServer({
    args: ['--tools.modules', FIXTURE_TOOLS, '--tools.enabled', 'fixture-tools'],
  });
});

afterAll(async () => {
  expect(await server.stop()).toBe(0);
});

describe.each(REVISIONS)('MCP %s', (revision) => {
  it(
    'is what the server conforms to, but for features it does not offer',
    { timeout: PATIENCE_MS },
    async () => {
      const expected = await expectedFailures(revision);
      const report = await runSuite(server.url, revision, ['--requirements', revision]);
      const failures = failuresOf(report, expected);
      process.stdout.write(summarise(revision, report, failures, expected));
      expect(failures.toSorted()).toEqual(expected.toSorted());
      expect(report.exitCode, report.output).toBe(0);
    },
  );
});

describe('the scenarios that no requirement set counts', () => {
  it.each(UNCOUNTED)('pass: %j of %s', { timeout: PATIENCE_MS }, async (which, revision, essentials) => {
    const flags = [...which, '--spec-version', revision];
    const { exitCode, output, scenarios } = await runSuite(server.url, revision, flags);
    expect([...scenarios.keys()].sort()).toEqual(Object.keys(essentials).sort());
    for (const [scenario, checks] of scenarios) {
      expect(
        checks.filter(({ status }) => status !== 'SUCCESS' && status !== 'INFO'),
        scenario,
      ).toEqual([]);
      expect(checks).toContainEqual(expect.objectContaining({ id: essentials[scenario], status: 'SUCCESS' }));
    }
    expect(exitCode, output).toBe(0);
  });
});
