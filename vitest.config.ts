import { defineConfig } from 'vitest/config';

/** What waits for real time limits, makes hundreds of payments, or builds the functions several times. */
const LONG = '**/*.long.test.ts';
/** The files of one process load the SDK and the library of CDK once; none changes what another sees. */
const SHARED_PROCESS = { isolate: false };
// Upper limits for a busy machine, and no pass condition.
const WITH_A_SERVICE = { testTimeout: 60_000, hookTimeout: 60_000, expect: { poll: { timeout: 20_000 } } };

/** Which tests run is decided by their folders and names (CONTRIBUTING.md). One project alone: `npx vitest run --project unit`. */
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
          exclude: [LONG],
          ...SHARED_PROCESS,
          testTimeout: 240_000,
          hookTimeout: 240_000,
        },
      },
      {
        test: {
          name: 'model',
          include: ['test/model/**/*.test.ts'],
          exclude: [LONG],
          testTimeout: 3_600_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'fuzz',
          include: ['test/fuzz/**/*.test.ts'],
          exclude: [LONG],
          testTimeout: 1_200_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'fuzz-http',
          include: ['test/fuzz/**/*.long.test.ts'],
          testTimeout: 1_200_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/{integration,service,local}/**/*.test.ts'],
          exclude: [LONG],
          ...SHARED_PROCESS,
          ...WITH_A_SERVICE,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/{integration,service,local,model,infra}/**/*.long.test.ts'],
          ...WITH_A_SERVICE,
        },
      },
      {
        test: {
          name: 'deployed',
          // Without a stack to look at (npm run rehearse), there is nothing to run.
          include: process.env.TARGET === 'deployed' ? ['test/{service,deployed}/**/*.test.ts'] : [],
          fileParallelism: false,
          ...WITH_A_SERVICE,
        },
      },
      {
        test: {
          name: 'dynamodb',
          // Without one to look at (npm run test:dynamodb), the embedded one is looked at elsewhere.
          include: process.env.DYNAMODB_URL ? ['test/{integration,dynamodb}/**/*.test.ts'] : [],
          fileParallelism: false,
          ...WITH_A_SERVICE,
        },
      },
      {
        test: {
          name: 'package',
          include: ['test/package/**/*.test.ts'],
          // It installs CDK, several times.
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          name: 'clients',
          include: ['test/clients/**/*.test.ts'],
          // Compilers of several languages, and generators.
          ...WITH_A_SERVICE,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      { test: { name: 'browser', include: ['test/browser/**/*.test.ts'], ...WITH_A_SERVICE } },
    ],
  },
});
