import { configDefaults, defineConfig, type TestProjectConfiguration } from 'vitest/config';
import { Interleaved } from './test/support/interleaved.ts';

const ON_CONTAINERS = ['test/integration/**/*.test.ts', 'test/alerts/**/*.test.ts'];
/**
 * These have the machine for themselves: one proves what the server can do then, the other shortens what rules look back on
 * so far that scrapes of a busy machine come too late.
 */
const ALONE = ['test/integration/load.test.ts', 'test/integration/dashboards.test.ts'];
/** They need a cluster, and have a configuration of their own. */
const ON_CLUSTER = ['test/cluster/**/*.test.ts'];
const IN_BROWSER = ['test/browser/**/*.test.ts'];
/** These set what a process has one of, or look at its memory: each has a process of its own, which costs a second or two. */
const ISOLATED = [
  'test/http/header-costs.test.ts',
  'test/monitoring/tracing.test.ts',
  'test/monitoring/library-traces.test.ts',
  'test/monitoring/listens.test.ts',
  'test/package/examples.test.ts',
  'test/**/*memory.test.ts',
  'test/mcp/given-back.test.ts',
  'test/tools/nothing-left.test.ts',
];
const OF_RUN = 'test/support/temporary-files.ts';
/** In this order: an engine that the first starts lives on. */
const CONTAINERS = ['test/integration/global-setup.ts', OF_RUN];

const containers = {
  globalSetup: CONTAINERS,
  expect: { poll: { timeout: 30_000, interval: 100 } },
};

const projects: TestProjectConfiguration[] = [
  {
    extends: true,
    test: {
      name: 'unit',
      include: ['test/**/*.test.ts'],
      exclude: [...ON_CONTAINERS, ...ON_CLUSTER, ...IN_BROWSER, ...ISOLATED],
      globalSetup: OF_RUN,
      isolate: false,
    },
  },
  { extends: true, test: { name: 'isolated', include: ISOLATED, globalSetup: OF_RUN } },
  {
    extends: true,
    test: {
      name: 'browser',
      include: IN_BROWSER,
      globalSetup: ['test/browser/global-setup.ts', OF_RUN],
      expect: { poll: { timeout: 20_000, interval: 100 } },
    },
  },
  {
    extends: true,
    test: {
      name: 'integration',
      include: ON_CONTAINERS,
      exclude: ALONE,
      ...containers,
    },
  },
  { extends: true, test: { name: 'alone', include: ALONE, maxWorkers: 1, ...containers } },
];

export default defineConfig({
  // Outside of tests the server itself resolves this name for tool modules.
  resolve: {
    alias: {
      'nexus-mcp/testing': new URL('src/tools/testing.ts', import.meta.url).pathname,
      'nexus-mcp/tools': new URL('src/tools/index.ts', import.meta.url).pathname,
    },
  },
  test: {
    projects,
    // Tests with containers wait most of the time, while the others compute: two cores carry three.
    maxWorkers: 3,
    // For a machine that does other things as well.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: [...configDefaults.reporters, './test/support/costs.ts', './test/support/failures.ts'],
    sequence: { sequencer: Interleaved },
  },
});
