import { defineConfig } from 'vitest/config';

/** The tests that mutants of the rules, the store and the pipelines must fail: `npm run test:mutation`. */
export default defineConfig({
  root: new URL('../..', import.meta.url).pathname,
  test: {
    include: [
      'test/unit/{action,claim,cloud-event,create-request,customer-message,execute-request,external-refs}.test.ts',
      'test/unit/{heard,json,listed-fields,money,next-check,order-token,payment,payment-fields}.test.ts',
      'test/unit/{reference,refund,schedule,signature,state}.test.ts',
      'test/integration/{act,apply-payment-event,create-payment,first-heard,get-payment,judgement,learning}.test.ts',
      'test/integration/{published-again,receive-webhook,reconcile-list,reconcile-pipeline,reconcile-watch}.test.ts',
      'test/integration/{refunds,requests-per-event,retention,store,withdrawals}.test.ts',
    ],
    // Limits of patience with instrumented code; a mutant that hangs is ended by Stryker.
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
