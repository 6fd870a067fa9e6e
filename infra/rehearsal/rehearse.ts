/**
 * `npm run rehearse`: deploys the app to an AWS emulator with the CDK CLI, runs the end-to-end tests against what
 * was deployed, and destroys it. Flags:
 *   --keep   deploys, says where everything is, and leaves it there until Ctrl-C: docs/rehearsal.md
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { LOCAL_KEYS } from '../local/account.ts';
import { MissingTool } from './python.ts';
import { type Rehearsal, withRehearsal } from './rehearsal.ts';
import { runSuite } from './suite.ts';

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
  await writeFile(join(import.meta.dirname, '../..', file), variablesOf(rehearsal));
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
}

/**
 * A script that makes a shell's `aws`, `cdk` and `paytech-ops` work on the emulator, and on nothing else, and has a
 * `back_office` that signs as docs/api.md does.
 */
function variablesOf({ env, context, stack, apiUrl, apiHost, simulatorUrl, backOffice }: Rehearsal): string {
  const [, paytech = ''] = context;
  const variables = {
    ...Object.fromEntries(Object.entries(env).filter(([name]) => /^AWS_|^NODE_EXTRA_CA_CERTS$/.test(name))),
    // The CDK CLI takes its options from variables, too.
    CDK_CONTEXT: paytech,
    CDK_OUTPUT: 'cdk.out/rehearsal',
    stack,
    simulator: simulatorUrl,
  };
  const quoted = (value = '') => `'${value.replaceAll("'", "'\\''")}'`;
  const exports = Object.entries(variables).map(([name, value]) => `export ${name}=${quoted(value)}`);
  return `unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN
${exports.join('\n')}
# Versions of the command differ in what they take from AWS_ENDPOINT_URL.
aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }
back_office() { # method, path, body
  curl -sS -X "$1" "${apiUrl}/operations$2" -H 'host: ${apiHost}' -H 'content-type: application/json' \\
    \${3:+-d "$3"} --aws-sigv4 aws:amz:us-east-1:execute-api --user ${backOffice.accessKeyId}:${backOffice.secretAccessKey}
}
`;
}
