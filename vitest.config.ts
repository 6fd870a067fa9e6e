import { defineConfig } from 'vitest/config';

/** Files that wait for real time limits or make hundreds of payments: `npm run test:e2e`. */
const LONG = [
  'actions',
  'aws-alarms',
  'correlation',
  'documented-bodies',
  'events',
  'local-isolation',
  'openapi',
  'openapi-operations',
  'operations',
  'ops',
  'order-tokens',
  'readme',
  'reconcile',
  'reconcile-pipeline',
  'reconcile-watch',
  'redaction',
  'storefront',
  'timeouts',
].map((name) => `test/integration/${name}.test.ts`);
/** The end-to-end tests that run on a deployed stack too (infra/rehearsal/suite.ts). */
const DEPLOYED = [
  'service',
  'operations',
  'actions',
  'alarms',
  'order-tokens',
  'reconcile',
  'ops',
  'store',
  'requests-per-event',
].map((name) => `test/integration/${name}.test.ts`);
/** The store and the pipelines, in a world of test/support/world.ts: what DynamoDB itself decides. */
const ON_A_TABLE = [
  'act',
  'apply-payment-event',
  'create-payment',
  'first-heard',
  'get-payment',
  'judgement',
  'learning',
  'published-again',
  'reconcile-list',
  'reconcile-pipeline',
  'reconcile-watch',
  'refunds',
  'requests-per-event',
  'retention',
  'store',
  'upgrades',
  'withdrawals',
].map((name) => `test/integration/${name}.test.ts`);
const FUZZ_OVER_HTTP = 'test/fuzz/http.test.ts';
const CRASHES = 'test/model/crashes.test.ts';
/** These build all functions several times, or are for where a rehearsal has installed cfn-lint. */
const LONG_INFRA = ['bundle-builds', 'cfn-lint', 'example'].map((name) => `test/infra/${name}.test.ts`);
/** The files of one process load the SDK and the library of CDK once; none changes what another sees. */
const SHARED_PROCESS = { isolate: false };
// Upper limits for a busy machine, and no pass condition.
const WITH_A_SERVICE = { testTimeout: 60_000, hookTimeout: 60_000, expect: { poll: { timeout: 20_000 } } };

/** `npm test` runs all but `e2e`; one alone: `npx vitest run --project unit`. */
export default defineConfig({
  test: {
    // Mostly waiting for the embedded parts: two at a time also where there are two cores.
    maxWorkers: 2,
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], ...SHARED_PROCESS } },
      {
        test: {
          name: 'infra',
          include: ['test/infra/**/*.test.ts'],
          exclude: LONG_INFRA,
          ...SHARED_PROCESS,
          testTimeout: 240_000,
          hookTimeout: 240_000,
        },
      },
      {
        test: {
          name: 'model',
          include: ['test/model/**/*.test.ts'],
          exclude: [CRASHES],
          testTimeout: 3_600_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'fuzz',
          include: ['test/fuzz/**/*.test.ts'],
          exclude: [FUZZ_OVER_HTTP],
          testTimeout: 1_200_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'fuzz-http',
          include: [FUZZ_OVER_HTTP],
          testTimeout: 1_200_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          exclude: LONG,
          ...SHARED_PROCESS,
          ...WITH_A_SERVICE,
        },
      },
      {
        test: {
          name: 'deployed',
          // Without a stack to look at (npm run rehearse), there is nothing to run.
          include: process.env.TARGET === 'deployed' ? [...DEPLOYED, 'test/deployed/**/*.test.ts'] : [],
          fileParallelism: false,
          ...WITH_A_SERVICE,
        },
      },
      {
        test: {
          name: 'dynamodb',
          // Without one to look at (npm run test:dynamodb), the embedded one is looked at elsewhere.
          include: process.env.DYNAMODB_URL ? [...ON_A_TABLE, 'test/dynamodb/**/*.test.ts'] : [],
          fileParallelism: false,
          ...WITH_A_SERVICE,
        },
      },
      { test: { name: 'browser', include: ['test/browser/**/*.test.ts'], ...WITH_A_SERVICE } },
      { test: { name: 'e2e', include: [...LONG, CRASHES, ...LONG_INFRA], ...WITH_A_SERVICE } },
    ],
  },
});
