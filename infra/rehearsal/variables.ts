import { REGION } from '../local/account.ts';
import type { Rehearsed } from './rehearsal.ts';

/**
 * A script that makes a shell's `aws`, `cdk` and `paytech-ops` work on the emulator, and on nothing else, and has a
 * `back_office` that signs as docs/api.md does.
 */
export function variablesOf({
  env,
  context,
  stack,
  apiUrl,
  apiHost,
  simulatorUrl,
  backOffice,
}: Rehearsed): string {
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
    \${3:+-d "$3"} --aws-sigv4 aws:amz:${REGION}:execute-api --user ${backOffice.accessKeyId}:${backOffice.secretAccessKey}
}
`;
}
