/** Checks of `doctor` that look at the keys of the shop. */
import { DescribeSecretCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { keyFingerprint } from '../../shared/paytech/signature.ts';
import { HOUR_MS } from '../../shared/runtime/time.ts';
import type { Environment } from './environment.ts';
import type { Finding } from './finding.ts';

const LIMIT_MS = 10_000;

export async function apiKey({ apiKey, gateway }: Environment): Promise<Finding> {
  await apiKey.get();
  const answer = await gateway.list({ createdFrom: new Date(Date.now() - HOUR_MS), limit: 1 }, LIMIT_MS);
  if (answer.kind === 'answered') return { is: 'ok', detail: 'present, and paytech accepts it' };
  if (answer.kind === 'not-accepted') {
    return {
      is: 'fail',
      detail: `paytech rejects it with HTTP ${answer.status}, so that nobody can pay: put the shop's API key into the secret ApiKeySecret`,
    };
  }
  return { is: 'warn', detail: 'present, but paytech could not be asked: try again' };
}

export async function signingKeys({ signingKeys, isGenerated }: Environment): Promise<Finding> {
  const keys = await signingKeys.get();
  if (await isGenerated?.()) {
    return {
      is: 'fail',
      detail:
        'still the random value that the stack has made, so that every webhook is refused: put the signing key of the shop into the secret SigningKeysSecret',
    };
  }
  return { is: 'ok', detail: `present: ${keys.map(keyFingerprint).join(', ')}` };
}

/** Whether a secret holds what it was made with: whatever is put in makes a further version. */
export async function isGenerated(SecretId: string, client: SecretsManagerClient): Promise<boolean> {
  const { VersionIdsToStages = {} } = await client.send(new DescribeSecretCommand({ SecretId }));
  return Object.keys(VersionIdsToStages).length === 1;
}
