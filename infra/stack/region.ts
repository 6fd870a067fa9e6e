/** Settings that name something which must be where the stack is. */
import { Arn, ArnFormat, Stack, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { SettingsError } from './settings.ts';
import type { Settings } from './settings-types.ts';

/**
 * Alarms tell topics of their own Region only, and what encrypts must be beside what is encrypted; AWS would refuse
 * it in the middle of a deployment. A stack without a Region goes to that of the CLI, which says it in a variable.
 * @throws SettingsError
 */
export function assertRegion(scope: Construct, settings: Settings): void {
  const { region } = Stack.of(scope);
  const here = Token.isUnresolved(region) ? process.env.CDK_DEFAULT_REGION : region;
  if (!here) return;
  const { alarmTopicArn, topicKeyArn, dataKeyArn, domain } = settings;
  const named = { alarmTopicArn, topicKeyArn, dataKeyArn, 'domain.certificateArn': domain?.certificateArn };
  const elsewhere = Object.entries(named).flatMap(([name, arn]) => {
    const there = arn && Arn.split(arn, ArnFormat.SLASH_RESOURCE_NAME).region;
    return there && there !== here ? [`  paytech.${name}: is in ${there}, and the stack in ${here}`] : [];
  });
  if (elsewhere.length > 0)
    throw new SettingsError(`These settings cannot be deployed:\n${elsewhere.join('\n')}`);
}
