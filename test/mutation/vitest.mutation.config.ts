import { defineConfig } from 'vitest/config';

/** The tests of a part (run.mjs), without those that start processes, whose code no mutant is in. */
export default defineConfig({
  root: new URL('../..', import.meta.url).pathname,
  test: {
    include: (process.env.MUTATION_TESTS ?? '').split(',').map((name) => `test/${name}.test.ts`),
    exclude: ['test/unit/{dependencies,documents,install,progress,storefront}.test.ts'],
    // Limits of patience with instrumented code; a mutant that hangs is ended by Stryker.
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
