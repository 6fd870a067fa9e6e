/**
 * `npm run test:mutation`: changes the code of each part in every small way, and sees whether a test fails. Takes the
 * names of parts; without any, all are run, one after the other. At the end: the score of each file, and what lives.
 */
import { Stryker } from '@stryker-mutator/core';
import { addUp, written } from './score.mjs';

/** What is changed. Of the tests only those that reach a mutant run against it. */
const PARTS = {
  rules: ['shared/payment/**/*.ts', '!shared/payment/claim.ts', 'shared/paytech/signature.ts'],
  store: ['shared/store/**/*.ts'],
  claims: [
    'shared/payment/claim.ts',
    'shared/calls/**/*.ts',
    '!shared/calls/{act,observe,release,untouched}.ts',
  ],
  actions: ['shared/calls/{act,observe,release,untouched}.ts'],
  applying: ['functions/apply-payment-event/*.ts'],
  reconciling: ['functions/reconcile/*.ts'],
  routes: ['functions/{create,execute,get}-payment/*.ts', 'functions/{receive-webhook,operations}/*.ts'],
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
  const stryker = new Stryker({
    configFile: 'test/mutation/stryker.config.json',
    mutate: [...PARTS[name], ...WIRING],
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
