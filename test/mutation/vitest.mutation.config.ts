import { defineConfig } from 'vitest/config';

/** The tests that mutants of the rules and of the store's conditions must fail: `npm run test:mutation`. */
export default defineConfig({
  root: new URL('../..', import.meta.url).pathname,
  test: {
    include: [
      'test/unit/**/*.test.ts',
      'test/integration/{apply-payment-event,create-payment,requests-per-event,store}.test.ts',
    ],
    testTimeout: 30_000,
  },
});
