/**
 * `npm run rehearse`: deploys the app to an AWS emulator with the CDK CLI, runs the end-to-end tests against what
 * was deployed, and destroys it. Flags:
 *   --keep   deploys, says where everything is, and leaves it there until Ctrl-C
 */
import { parseArgs } from 'node:util';
import type { SettingsInput } from '../stack/settings-types.ts';
import { MissingTool } from './python.ts';
import { type Rehearsal, withRehearsal } from './rehearsal.ts';
import { runSuite } from './suite.ts';

const { keep } = parseArgs({ options: { keep: { type: 'boolean', default: false } } }).values;

/** So that whoever follows the documents there finds what they say. */
const AS_DOCUMENTED: Partial<SettingsInput> = { reconcileMinutes: 1 };
const FOR_TESTS: Partial<SettingsInput> = { orderTokens: 'off', createPaymentAuth: 'none' };

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => {
    console.error('Stopping.');
    stop.abort();
    // A second Ctrl-C does not wait.
    process.once(name, () => process.exit(1));
  });
}

try {
  await withRehearsal(keep ? leaveUp : (rehearsal) => runSuite(rehearsal, stop.signal), {
    signal: stop.signal,
    settings: keep ? AS_DOCUMENTED : FOR_TESTS,
  });
} catch (error) {
  process.exitCode = 1;
  if (!stop.signal.aborted) console.error(error instanceof MissingTool ? error.message : error);
}

async function leaveUp({ env, apiUrl, apiHost, simulatorUrl, stack, outputs, backOffice }: Rehearsal) {
  const variables = Object.entries(env).filter(([name]) => /^AWS_|^NODE_EXTRA_CA_CERTS$/.test(name));
  console.log(`
ready: ${stack}
ApiUrl ${apiUrl}
simulator ${simulatorUrl}
outputs ${JSON.stringify(outputs, undefined, 2)}
For aws, cdk and paytech-ops:
${variables.map(([name, value]) => `  export ${name}=${value}`).join('\n')}
Requests to the back office are signed for the host ${apiHost}, with ${backOffice.accessKeyId} / ${backOffice.secretAccessKey}.`);
  await new Promise((resolve) => stop.signal.addEventListener('abort', resolve));
}
