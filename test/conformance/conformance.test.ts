import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type ServerProcess } from '../support/server-process.ts';
import { expectedFailures, failuresOf, runSuite, summarise, type Revision } from './conformance-suite.ts';

const FIXTURE_TOOLS = fileURLToPath(new URL('fixture-tools.ts', import.meta.url));
const PATIENCE_MS = 300_000;

const REVISIONS: readonly Revision[] = ['2026-07-28', '2025-11-25'];

/** Scenarios that no requirement set counts, and the check without which they would pass for nothing. */
const UNCOUNTED: readonly (readonly [string, Revision, string])[] = [
  ['json-schema-2020-12', '2026-07-28', 'sep-2106-composition-keywords-preserved'],
  ['json-schema-2020-12', '2025-11-25', 'json-schema-2020-12-$defs'],
  ['http-header-validation', '2026-07-28', 'sep-2243-server-reject-invalid-headers'],
  ['http-custom-header-server-validation', '2026-07-28', 'sep-2243-server-reject-param-mismatch'],
  ['server-sse-polling', '2025-11-25', 'server-sse-disconnect-resume'],
  ['server-session-lifecycle', '2025-11-25', 'server-session-terminated-returns-404'],
];

let server: ServerProcess;

beforeAll(async () => {
  server = await startServer({ args: ['--tools.modules', FIXTURE_TOOLS] });
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

describe('a scenario that no requirement set counts', () => {
  it.each(UNCOUNTED)('passes: %s of %s', { timeout: PATIENCE_MS }, async (scenario, revision, essential) => {
    const flags = ['--scenario', scenario, '--spec-version', revision];
    const { exitCode, output, scenarios } = await runSuite(server.url, revision, flags);
    const checks = scenarios.get(scenario) ?? [];
    expect(checks.filter(({ status }) => status !== 'SUCCESS' && status !== 'INFO')).toEqual([]);
    expect(checks).toContainEqual(expect.objectContaining({ id: essential, status: 'SUCCESS' }));
    expect(exitCode, output).toBe(0);
  });
});
