/** The secrets that are shared with paytech. Functions read them at run time; the stack never sees a value. */
import { RemovalPolicy, Validations } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';

/** Makes `api-key` and `signing-keys`. */
export function secrets(scope: Construct) {
  return {
    apiKey: secret(
      scope,
      'api-key',
      "paytech API key of the shop: put in the plain key from paytech's back office.",
    ),
    signingKeys: secret(
      scope,
      'signing-keys',
      'Keys that sign paytech webhooks: put in the plain key, or while it is rotated a JSON array of keys, newest first.',
    ),
  };
}

/**
 * Starts with a random value, with which paytech refuses every call and every webhook is refused, until
 * the real one is put in. The generator must stay as it is: CloudFormation would overwrite the value.
 */
function secret(scope: Construct, id: string, description: string): Secret {
  const made = new Secret(scope, id, {
    description,
    generateSecretString: { excludePunctuation: true, passwordLength: 40 },
    removalPolicy: RemovalPolicy.RETAIN,
  });
  Validations.of(made).acknowledge({
    id: 'AwsSolutions-SMG4',
    reason: 'paytech issues this key: a new one is made in its back office, not by a rotation function.',
  });
  return made;
}
