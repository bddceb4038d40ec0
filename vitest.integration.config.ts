import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  // Outside of tests the server itself resolves this name for tool modules.
  resolve: { alias: { 'nexus-mcp/tools': new URL('src/tools/index.ts', import.meta.url).pathname } },
  test: {
    reporters: [...configDefaults.reporters, 'test/support/costs.ts'],
    include: ['test/integration/**/*.test.ts', 'test/alerts/**/*.test.ts'],
    // In this order: an engine that the first starts lives on.
    globalSetup: ['test/integration/global-setup.ts', 'test/support/temporary-files.ts'],
    // One after the other: the faults of one file must not slow the scrapes of another.
    maxWorkers: 1,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000, interval: 100 } },
  },
});
