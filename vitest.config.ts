import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  // Outside of tests the server itself resolves this name for tool modules.
  resolve: { alias: { 'nexus-mcp/tools': new URL('src/tools/index.ts', import.meta.url).pathname } },
  test: {
    reporters: [...configDefaults.reporters, 'test/support/costs.ts'],
    include: ['test/**/*.test.ts'],
    // These need containers or a browser; they have configurations of their own.
    exclude: ['test/integration/**', 'test/alerts/**', 'test/browser/**'],
    globalSetup: 'test/support/temporary-files.ts',
    // Tests start servers and worker threads of their own; more files at once only make them wait for each other.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
