/**
 * `npm run rehearse`: deploys the app to an AWS emulator with the CDK CLI, runs the end-to-end tests against what
 * was deployed, and destroys it. Flags:
 *   --keep   deploys, says where everything is, and leaves it there until Ctrl-C: docs/rehearsal.md
 */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { LOCAL_KEYS } from '../local/account.ts';
import { MissingTool } from './python.ts';
import { type Rehearsal, withRehearsal } from './rehearsal.ts';
import { runSuite } from './suite.ts';
import { variablesOf } from './variables.ts';

const { keep } = parseArgs({ options: { keep: { type: 'boolean', default: false } } }).values;

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => {
    console.error('Stopping.');
    stop.abort();
    // A second Ctrl-C does not wait.
    process.once(name, () => process.exit(1));
  });
}

/** Of the tests, which start reconcile themselves and place orders without a token. */
const TESTED = { orderTokens: 'off', createPaymentAuth: 'none' } as const;
/** As the operator's pages have it. */
const KEPT = { reconcileMinutes: 1, alarmEmails: [] };

try {
  await withRehearsal(keep ? leaveUp : (rehearsal) => runSuite(rehearsal, stop.signal), {
    signal: stop.signal,
    settings: keep ? KEPT : TESTED,
  });
} catch (error) {
  process.exitCode = 1;
  if (!stop.signal.aborted) console.error(error instanceof MissingTool ? error.message : error);
}

async function leaveUp(rehearsal: Rehearsal) {
  const { apiUrl, simulatorUrl, stack, outputs } = rehearsal;
  const file = 'cdk.out/rehearsal.env';
  const path = join(import.meta.dirname, '../..', file);
  await writeFile(path, variablesOf(rehearsal));
  console.log(`
outputs ${JSON.stringify(outputs, undefined, 2)}

ready: ${stack}, until Ctrl-C
API                ${apiUrl}
paytech simulator  ${simulatorUrl}
Shop API Key       ${LOCAL_KEYS.apiKey}
Signing Key        ${LOCAL_KEYS.signingKey}

In another terminal, for aws, npx cdk, npm run ops -- --stack ${stack} and back_office:
  . ${file}
What to try, and what differs from AWS: docs/rehearsal.md`);
  await new Promise((resolve) => stop.signal.addEventListener('abort', resolve));
  await rm(path, { force: true });
}
