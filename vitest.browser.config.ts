import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  // Outside of tests the server itself resolves this name for tool modules.
  resolve: { alias: { 'nexus-mcp/tools': new URL('src/tools/index.ts', import.meta.url).pathname } },
  test: {
    reporters: [...configDefaults.reporters, 'test/support/costs.ts'],
    include: ['test/browser/**/*.test.ts'],
    globalSetup: ['test/browser/global-setup.ts', 'test/support/temporary-files.ts'],
    maxWorkers: 1,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000, interval: 100 } },
  },
});
