/**
 * `npm run test:mutation`: changes the code of each part in every small way, and sees whether a test fails. Takes the
 * names of parts; without any, all are run, one after the other. At the end: the score of each file, and what lives.
 */
import { Stryker } from '@stryker-mutator/core';
import { addUp, written } from './score.mjs';

/** Tests of shared/payment and of what requests say, which take milliseconds: every part has them. */
const UNIT = ['unit/*'];

/** What is changed, and the files of tests that reach it; of these only the tests that do run against a mutant. */
const PARTS = {
  rules: {
    mutate: ['shared/payment/**/*.ts', '!shared/payment/claim.ts', 'shared/paytech/signature.ts'],
    tests: ['apply-payment-event*', 'create-payment*', 'judgement', 'refunds*'],
  },
  store: {
    mutate: ['shared/store/**/*.ts'],
    tests: [
      'store',
      'requests-per-event',
      'apply-payment-event*',
      'judgement',
      'refunds*',
      'act*',
      'execute-payment',
      'retention',
    ],
  },
  claims: {
    mutate: [
      'shared/payment/claim.ts',
      'shared/calls/**/*.ts',
      '!shared/calls/{act,observe,release,untouched}.ts',
    ],
    tests: [
      'create-payment*',
      'withdrawals*',
      'refunds*',
      'first-observation',
      'learning*',
      'unannounced*',
      'paid-twice',
      'reconcile-pipeline',
      'reconcile-claims',
    ],
  },
  actions: {
    mutate: ['shared/calls/{act,observe,release,untouched}.ts'],
    tests: ['act*', 'execute-payment', 'get-payment', 'create-payment*'],
  },
  applying: {
    mutate: ['functions/apply-payment-event/*.ts'],
    tests: [
      'apply-payment-event*',
      'first-observation',
      'judgement',
      'learning*',
      'published-again',
      'refunds*',
    ],
  },
  reconciling: {
    mutate: ['functions/reconcile/*.ts'],
    tests: [
      'reconcile-pipeline',
      'reconcile-claims',
      'reconcile-sweep',
      'reconcile-list',
      'reconcile-watch',
      'judgement',
    ],
  },
  routes: {
    mutate: ['functions/{create,execute,get}-payment/*.ts', 'functions/{receive-webhook,operations}/*.ts'],
    tests: [
      'act*',
      'execute-payment',
      'create-payment*',
      'get-payment',
      'receive-webhook',
      'refunds*',
      'withdrawals*',
    ],
  },
};
/** They wire, and decide nothing. */
const WIRING = ['!functions/*/index.ts', '!functions/operations/router.ts'];
/** Of a hundred mutants so many must be killed. */
const LEAST = 92;

const parts = process.argv.slice(2).length > 0 ? process.argv.slice(2) : Object.keys(PARTS);
const unknown = parts.filter((name) => !Object.hasOwn(PARTS, name));
if (unknown.length > 0) {
  console.error(`No part is called ${unknown.join(', ')}. There are ${Object.keys(PARTS).join(', ')}.`);
  process.exit(2);
}

const results = [];
for (const name of parts) {
  console.log(`\n${name}`);
  const { mutate, tests } = PARTS[name];
  // For vitest.mutation.config.ts, in a process of its own.
  process.env.MUTATION_TESTS = [...UNIT, ...tests.map((each) => `integration/${each}?(.long)`)].join(',');
  const stryker = new Stryker({
    configFile: 'test/mutation/stryker.config.json',
    mutate: [...mutate, ...WIRING],
    jsonReporter: { fileName: `reports/mutation/${name}.json` },
  });
  results.push(...(await stryker.runMutationTest()));
}
const files = addUp(results);
console.log(`\n${written(files)}`);
if (files.at(-1).score < LEAST) {
  console.error(`Fewer than ${LEAST} % were killed.`);
  process.exitCode = 1;
}
