/** The secrets that are shared with paytech and with the merchant's server, and one of the stack's own. Functions read them at run time; the stack never sees a value. */
import { RemovalPolicy, Validations } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { ORIGIN_KEY_HEADER } from '../../shared/http/cloudfront-headers.ts';
import type { Settings } from './settings-types.ts';

export type Secrets = ReturnType<typeof secrets>;

/** Makes `api-key`, `signing-keys`, `order-token-keys` and `fingerprint-key`, and with CloudFront in front `origin-keys`. */
export function secrets(
  scope: Construct,
  { cloudFront }: Pick<Settings, 'cloudFront'>,
  dataKey: IKey | undefined,
) {
  const secret = (id: string, description: string, whyNotRotated: string) =>
    makeSecret(scope, id, { description, whyNotRotated, dataKey });
  return {
    apiKey: secret(
      'api-key',
      "paytech API key of the shop: put in the plain key from paytech's back office.",
      ISSUED_BY_PAYTECH,
    ),
    signingKeys: secret(
      'signing-keys',
      'Keys that sign paytech webhooks: put in the plain key, or while it is rotated a JSON array of keys, newest first.',
      ISSUED_BY_PAYTECH,
    ),
    orderTokenKeys: secret(
      'order-token-keys',
      'Keys that sign order tokens: give the generated one to your server, or put in the plain key of at least 32 bytes, or while it is rotated a JSON array of keys, newest first.',
      "Its other holder, the merchant's server, must change first: a rotation function cannot do that.",
    ),
    fingerprintKey: secret(
      'fingerprint-key',
      'Keys the fingerprints of withdrawals in the payments table. Nobody else needs it: leave it as it is.',
      'With another key a withdrawal that is asked for again would be taken for another one.',
    ),
    ...(cloudFront !== 'off' && {
      originKeys: secret(
        'origin-keys',
        `Keys by which the API knows CloudFront: have the distribution's origin send the generated one as ${ORIGIN_KEY_HEADER}, or put in the plain key of at least 32 characters, or while it is rotated a JSON array of keys, newest first.`,
        'Its other holder, the distribution, must change before the old key goes: a rotation function here cannot do that.',
      ),
    }),
  };
}

const ISSUED_BY_PAYTECH =
  'paytech issues this key: a new one is made in its back office, not by a rotation function.';

interface SecretProps {
  description: string;
  whyNotRotated: string;
  dataKey: IKey | undefined;
}

/**
 * Starts with a random value; where it has another holder, paytech refuses every call with it, and every webhook and
 * order token is refused, until that has the same. The generator must stay as it is: CloudFormation would overwrite the value.
 */
function makeSecret(
  scope: Construct,
  id: string,
  { description, whyNotRotated, dataKey }: SecretProps,
): Secret {
  const made = new Secret(scope, id, {
    description,
    ...(dataKey && { encryptionKey: dataKey }),
    generateSecretString: { excludePunctuation: true, passwordLength: 40 },
    removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
  });
  Validations.of(made).acknowledge({
    id: 'AwsSolutions-SMG4',
    reason: whyNotRotated,
  });
  return made;
}
