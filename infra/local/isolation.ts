/** What keeps the run apart from the machine that it is on: the same everywhere, and no call of it reaches AWS. */
import { devNull, tmpdir } from 'node:os';

/**
 * Where AWS is for whoever knows of no embedded part: nowhere. The files in place of `~/.aws/config` and
 * `~/.aws/credentials`, which may change endpoints, name profiles and ask for FIPS, are empty.
 */
export const NO_AWS = {
  AWS_CONFIG_FILE: devNull,
  AWS_SHARED_CREDENTIALS_FILE: devNull,
  AWS_EC2_METADATA_DISABLED: 'true',
  // The port "discard", where nobody listens.
  AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
} as const;

const OF_THE_MACHINE = /^(AWS|CDK)_|_proxy$/i;

/** Takes what the developer has set for other work out of this process's environment. Comes before the first use of the SDK. */
export function leaveMachine(env: NodeJS.ProcessEnv = process.env): void {
  for (const name of Object.keys(env).filter((each) => OF_THE_MACHINE.test(each))) delete env[name];
  // A proxy that Node has taken up when it started (NODE_USE_ENV_PROXY) is left out for these.
  Object.assign(env, NO_AWS, { no_proxy: '127.0.0.1,localhost', NO_PROXY: '127.0.0.1,localhost' });
  // The SDK asks for it even where it reads nothing there, and dies where the user has none.
  env.HOME ??= tmpdir();
}
