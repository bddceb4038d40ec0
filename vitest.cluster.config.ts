import { defineConfig } from 'vitest/config';

/** The tests on whatever cluster the kubeconfig names. They run only when asked for: `make test-cluster`. */
export default defineConfig({
  test: {
    include: ['test/cluster/**/*.test.ts'],
    globalSetup: ['test/cluster/global-setup.ts', 'test/support/temporary-files.ts'],
    // They wait most of the time, and a cluster may be one small node.
    maxWorkers: 3,
    // What is awaited has limits of its own.
    testTimeout: 1_200_000,
    hookTimeout: 1_200_000,
    reporters: ['verbose'],
  },
});
