import { spawn } from 'node:child_process';
import { buffer } from 'node:stream/consumers';
import { SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { beforeAll, expect, it, vi } from 'vitest';
import { ACCOUNT, clientFor, LOCAL_KEYS, REGION } from '../../infra/local/account.ts';
import { deployedTarget, rehearsed } from '../support/deployed-target.ts';
import { commandBlocks, readDocument, root } from '../support/documents.ts';

/**
 * docs/getting-started.md, line by line as printed, on the rehearsed account. What a person does is done here:
 * the keys are typed in, and the customer pays. Removing the stack is the last thing that the rehearsal does.
 */

const { env, context, simulatorUrl, endpoint, outputs } = rehearsed();
const settings = context.map((argument) => `'${argument}'`).join(' ');
const MARK = '--- paid';
let inbox: () => Promise<string>;

/** The commands, with the settings of the rehearsal, and without a question to a terminal that is not there. */
function scriptOf(markdown: string): string {
  return (
    commandBlocks(markdown)
      .filter(({ mark }) => mark === 'rehearsed' || mark === 'rehearsed: the customer pays')
      .map(({ mark, script }) =>
        mark === 'rehearsed: the customer pays' ? `echo; echo '${MARK}'\n${script}` : script,
      )
      .join('\n')
      .replaceAll(/^npx cdk deploy$/gm, `npx cdk deploy --output cdk.out/rehearsal ${settings}`)
      .replaceAll('npx cdk deploy', 'npx cdk deploy --require-approval never')
      .replaceAll('npx cdk destroy', 'npx cdk destroy --force')
      // In us-east-1 some versions of the command go to the legacy host of SQS, whatever AWS_ENDPOINT_URL says.
      .replaceAll('aws sqs ', 'aws sqs --endpoint-url "$AWS_ENDPOINT_URL" ')
  );
}

/** A stack that is new has no events of other tests, and none that are still on their way. */
beforeAll(async () => {
  const { sqs, queueUrl, close } = await deployedTarget();
  await vi.waitFor(async () => expect(await onItsWay(sqs, queueUrl('webhooks'))).toBe(0), {
    timeout: 120_000,
    interval: 1_000,
  });
  await sqs.send(new PurgeQueueCommand({ QueueUrl: queueUrl('payment-events') }));
  await close();
  inbox = await subscribedToAlarms();
}, 150_000);

/** Hears of alarms as the address of an operator would, which nobody here could read. */
async function subscribedToAlarms(): Promise<() => Promise<string>> {
  const client = clientFor(endpoint);
  const [sqs, sns] = [new SQSClient(client), new SNSClient(client)];
  const topic = outputs.AlarmTopicArn!;
  const Endpoint = `arn:aws:sqs:${REGION}:${ACCOUNT}:alarm-inbox`;
  const statement = {
    Effect: 'Allow',
    Principal: { Service: 'sns.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: Endpoint,
    Condition: { ArnEquals: { 'aws:SourceArn': topic } },
  };
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
  const { QueueUrl } = await sqs.send(
    new CreateQueueCommand({ QueueName: 'alarm-inbox', Attributes: { Policy } }),
  );
  await sns.send(new SubscribeCommand({ TopicArn: topic, Protocol: 'sqs', Endpoint }));
  return async () => {
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 10 }));
    sqs.destroy();
    sns.destroy();
    return Messages.map(({ Body }) => Body).join('\n');
  };
}

/** What a queue has for now, for later and in somebody's hands. */
async function onItsWay(sqs: SQSClient, QueueUrl: string): Promise<number> {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl,
      AttributeNames: [
        'ApproximateNumberOfMessages',
        'ApproximateNumberOfMessagesDelayed',
        'ApproximateNumberOfMessagesNotVisible',
      ],
    }),
  );
  return Object.values(Attributes).reduce((sum, count) => sum + Number(count), 0);
}

it('ends with a COMPLETED payment, and a subscriber of another stack that knows of it', async ({ skip }) => {
  const hasAws = await new Promise((resolve) =>
    spawn('aws', ['--version'])
      .once('error', () => resolve(false))
      .once('close', (code) => resolve(code === 0)),
  );
  if (!hasAws) skip('the aws command is not installed here: getting-started.md was not followed');
  const child = spawn('bash', ['-euo', 'pipefail', '-c', scriptOf(readDocument('docs/getting-started.md'))], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const errors = buffer(child.stderr);
  child.stdin.end(`${LOCAL_KEYS.apiKey}\n${LOCAL_KEYS.signingKey}\n`);
  let output = '';
  child.stdout.on('data', async (chunk) => {
    const before = output;
    output += chunk;
    if (output.includes(MARK) && !before.includes(MARK)) await pay(/"id":"([^"]+)"/.exec(output)?.[1]);
  });
  const code = await ended;
  expect(code, `${output}\n${await errors}`).toBe(0);

  const [, after = ''] = output.split(MARK);
  expect(after).toMatch(/"state":"COMPLETED","final":true,"amount":"11.12","currency":"EUR"/);
  expect(after).toContain('paytech.payment.completed');
  expect(after).toContain('order-1');
  expect(await inbox()).toMatch(/ALARM.*api-?5xx.*Does it arrive\?/s);
}, 900_000);

async function pay(id: string | undefined): Promise<void> {
  const url = `${simulatorUrl}/simulator/payments/${id}/pay`;
  const body = JSON.stringify({ cardNumber: '4000 0000 0000 0408' });
  await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
}
