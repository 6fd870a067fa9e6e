import {
  GetFunctionConfigurationCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { SQS } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ACCOUNT, clientFor } from '../../infra/local/account.ts';
import { makeUserWith, physicalId, policy, stackResources } from '../../infra/rehearsal/account.ts';
import { openEventQueue } from '../../shared/messaging/event-queue.ts';
import { rehearsed } from '../support/deployed-target.ts';
import { operator } from '../support/operator.ts';
import { type Service, startService } from '../support/service.ts';
import { signedCalls } from '../support/signed.ts';

/**
 * Who may send to the webhook queue, and what is believed of those who are none of the service's functions. The emulator
 * has the account for the sender of every message, so that the account is taken out of those that are believed.
 */

vi.setConfig({ testTimeout: 60_000 });

const { stack, endpoint, outputs, backOffice } = rehearsed();
const client = clientFor(endpoint);
const lambda = new LambdaClient(client);

let service: Service;
let FunctionName: string;
let own: Record<string, string>;
let sender: typeof backOffice;
beforeAll(async () => {
  service = await startService();
  const resources = await stackResources(stack, client);
  FunctionName = physicalId(
    resources,
    'AWS::Lambda::Function',
    /^PaytechPaymentsapplypaymentevent[0-9A-F]{8}$/,
  );
  const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
  own = Environment?.Variables ?? {};
  await changeTo({ ...own, OWN_SENDERS: own.OWN_SENDERS!.replace(`,${ACCOUNT}`, '') });
  const queueArn = physicalId(resources, 'AWS::SQS::Queue', /^PaytechPaymentswebhooks[0-9A-F]{8}$/)
    .split('/')
    .at(-1);
  const mayList = policy('sqs:SendMessage', [`arn:aws:sqs:${client.region}:${ACCOUNT}:${queueArn}`]);
  sender = await makeUserWith('sender', mayList, client);
}, 60_000);
afterAll(async () => {
  await changeTo(own);
  lambda.destroy();
  await service.stop();
});

async function changeTo(Variables: Record<string, string>): Promise<void> {
  await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables } }));
}

async function send(credentials: typeof backOffice, fields: Record<string, unknown>): Promise<void> {
  const sqs = new SQS({ ...client, credentials });
  try {
    await openEventQueue(outputs.WebhookQueueUrl!, sqs).send({
      bytes: Buffer.from(JSON.stringify({ paymentType: 'DEPOSIT', amount: 9, currency: 'EUR', ...fields })),
      source: 'operation',
      receivedAt: new Date().toISOString(),
      caller: 'arn:aws:iam::1:user/somebody-else',
    });
  } finally {
    sqs.destroy();
  }
}

async function recordOf(id: string) {
  const { status, text, json } = await signedCalls(service)('GET', `/operations/payments/${id}`);
  expect(status, text).toBe(200);
  // biome-ignore lint/suspicious/noExplicitAny: the document of a route
  return json() as any;
}

it('believes the roles of its functions', () => {
  expect(own.OWN_SENDERS!.split(',')).toEqual([...Array(7).fill(expect.stringMatching(/^AROA/)), ACCOUNT]);
});

it('takes messages from those only who may send', async () => {
  await expect(send(backOffice, { id: 'x', state: 'COMPLETED' })).rejects.toThrow(/not authorized|Access/i);
});

it('changes nothing final on the word of a sender of another kind, whatever it says that it is', async () => {
  const id = await operator(service).paid('9');
  await send(sender, { id, state: 'DECLINED' });
  await vi.waitFor(async () => expect((await recordOf(id)).quarantined).toBe(1), { timeout: 20_000 });
  expect(await recordOf(id)).toMatchObject({ state: 'COMPLETED', version: 2 });
});

it('applies what it says of money, and has it confirmed', async () => {
  const id = await operator(service).deposit('9');
  await send(sender, { id, state: 'COMPLETED' });
  await vi.waitFor(async () => expect((await recordOf(id)).state).toBe('COMPLETED'), { timeout: 20_000 });
  const { history } = await recordOf(id);
  // Not whom the message names, but who SQS says has sent it.
  expect(history.at(-1)).toMatchObject({ source: 'webhook', caller: ACCOUNT });
  expect(await service.item(`payment#${id}`)).toMatchObject({ unconfirmed: expect.anything() });
  const lines = (await service.logLines()).filter((line) => line.includes('message of another sender'));
  expect(lines.length).toBeGreaterThan(0);
});
