import { randomUUID } from 'node:crypto';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { clientFor } from '../../infra/local/account.ts';
import { LOCAL_KEYS } from '../../infra/local/local-service.ts';
import { orderToken } from '../support/order-token.ts';
import { type LocalRunService, startLocalService } from '../support/service.ts';
import { signedCalls } from '../support/signed.ts';

/**
 * What customers and keyholders would not want to read: planted in everything that comes in, on the ways that end
 * well and on those that do not, and looked for in everything that stays.
 */

const PLANTED = {
  firstName: 'Zacharias',
  lastName: 'Quackenbush',
  email: 'zq@planted.example',
  phone: '44 7700900123',
  dateOfBirth: '1971-02-03',
  accountNumber: 'DE89370400440532013000',
  accountName: 'Z Q Savings',
  documentNumber: 'PASS-778899',
  street: '17 Planted Street',
  postalCode: 'PL4 NT3',
  description: 'a gift for Henrietta',
  card: '4000000000000408',
  cvv: '987654',
  parameter: 'a note on Ottoline',
};

let service: LocalRunService;
let signed: ReturnType<typeof signedCalls>;
beforeAll(async () => {
  service = await startLocalService({ orderTokens: 'required' });
  signed = signedCalls(service);
});
afterAll(() => service.stop());

const tokens: string[] = [];
const newOrder = () => `order-${randomUUID()}`;

function token(claims: object, parts = {}): string {
  const made = orderToken({ exp: Math.floor(Date.now() / 1000) + 600, ...claims }, parts);
  tokens.push(made);
  return made;
}

const customer = {
  firstName: PLANTED.firstName,
  lastName: PLANTED.lastName,
  email: PLANTED.email,
  phone: PLANTED.phone,
  dateOfBirth: PLANTED.dateOfBirth,
  accountNumber: PLANTED.accountNumber,
  accountName: PLANTED.accountName,
  documentNumber: PLANTED.documentNumber,
};
const payment = { additionalParameters: { note: PLANTED.parameter } };
const billingAddress = { addressLine1: PLANTED.street, postalCode: PLANTED.postalCode };

const create = (more: object = {}, claims: object = {}) =>
  service.api(
    'POST',
    '/payments',
    JSON.stringify({
      orderToken: token({ referenceId: newOrder(), amount: '10', currency: 'EUR', payment, ...claims }),
      customer,
      billingAddress,
      description: PLANTED.description,
      ...more,
    }),
  );
const fault = (on: string, kind: string) =>
  service.simulator('POST', '/simulator/faults', { on, kind, times: 1 });
const webhook = (fields: object) =>
  service.webhook(JSON.stringify({ paymentType: 'DEPOSIT', customer, billingAddress, ...fields }));
const processed = () =>
  vi.waitFor(async () => expect(await service.depth('webhooks')).toBe(0), { timeout: 15_000 });

async function deadLetterAttributes(): Promise<string> {
  const sqs = new SQSClient(clientFor(service.sqsUrl));
  const found: unknown[] = [];
  for (;;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: service.queueUrl('webhooks-dlq'),
        MaxNumberOfMessages: 10,
        MessageAttributeNames: ['All'],
      }),
    );
    if (Messages.length === 0) break;
    found.push(...Messages.map(({ MessageAttributes }) => MessageAttributes));
  }
  sqs.destroy();
  return JSON.stringify(found);
}

/** That end well, and badly; the ids of both. */
async function payments() {
  const answer = await create();
  expect(answer.status, answer.text).toBe(201);
  const { id } = answer.json() as unknown as { id: string };
  await service.simulator('POST', `/simulator/payments/${id}/pay`, { cardNumber: PLANTED.card });
  const declined = (await create()).json() as unknown as { id: string };
  await service.simulator('POST', `/simulator/payments/${declined.id}/pay`, { state: 'DECLINED' });
  for (const kind of ['html', '500', '429', 'reset']) {
    await fault('create', kind);
    expect((await create()).status).toBe(503);
  }
  return { id, declined: declined.id };
}

/** That are refused, by us and by paytech, for values and for names. */
async function refusedRequests(): Promise<void> {
  const refused = [
    { card: { number: PLANTED.card, cvv: PLANTED.cvv } },
    { [PLANTED.card]: true },
    { [PLANTED.email]: true },
    { customer: { ...customer, [PLANTED.accountNumber]: 1 } },
    { customer: { ...customer, phone: `+${PLANTED.phone}` } },
    { customer: { ...customer, email: { [PLANTED.email]: 1 } } },
    { additionalParameters: { [PLANTED.card]: 1 } },
    { returnUrl: `https://${PLANTED.lastName}.example/` },
  ];
  for (const more of refused) expect((await create(more)).status, JSON.stringify(more)).toBe(400);
  expect((await create({ customer: { phone: '447700900123' } })).status).toBe(422);
  const broken = `{"customer":{"firstName":"${PLANTED.firstName}"`;
  expect((await service.api('POST', '/payments', broken)).status).toBe(400);
}

/** That are forged, expired or hold what they should not. */
async function refusedTokens(): Promise<void> {
  const badTokens = [
    token({ referenceId: 'a' }, { key: 'x'.repeat(32) }),
    token({ referenceId: 'a', exp: 1 }),
    token({ referenceId: 'a', amount: PLANTED.card, currency: PLANTED.email, [PLANTED.accountNumber]: 1 }),
    token({ referenceId: PLANTED.email, amount: '1', currency: 'EUR', payment: { [PLANTED.card]: 1 } }),
  ];
  for (const orderToken of badTokens) {
    const answered = await service.api('POST', '/payments', JSON.stringify({ orderToken }));
    expect(answered.status, answered.text).toBe(401);
  }
}

/** Host-to-host with a card, and reads with one for an id; the id of the deposit. */
async function executions(): Promise<string> {
  const open = (await create()).json() as unknown as { id: string };
  const execution = JSON.stringify({ paymentMethod: 'BASIC_CARD', card: { number: PLANTED.card } });
  expect((await service.api('PATCH', `/payments/${open.id}`, execution)).status).toBe(400);
  expect((await service.api('GET', `/payments/${PLANTED.card}`)).status).toBe(404);
  return open.id;
}

async function backOffice(id: string): Promise<void> {
  const withdrawal = { referenceId: newOrder(), amount: 5, currency: 'EUR', customer, billingAddress };
  expect((await signed('POST', '/operations/withdrawals', JSON.stringify(withdrawal))).status).toBe(201);
  await fault('create', 'reset');
  const lost = { ...withdrawal, referenceId: newOrder() };
  expect((await signed('POST', '/operations/withdrawals', JSON.stringify(lost))).status).toBe(503);
  const withCard = { ...withdrawal, referenceId: newOrder(), card: { number: PLANTED.card } };
  expect((await signed('POST', '/operations/withdrawals', JSON.stringify(withCard))).status).toBe(400);
  await signed('GET', '/operations/payments');
  await signed('GET', `/operations/payments/${id}`);
}

/** Right ones, a contradiction, forged ones, and signed ones that nobody can read. */
async function webhooks(id: string, open: string): Promise<void> {
  await service.simulator('POST', `/simulator/payments/${id}/webhook`, { state: 'CANCELLED' });
  const paymentMethodDetails = { customerAccountNumber: PLANTED.card, customerAccountName: 'Z Q Savings' };
  const whole = { id: open, state: 'COMPLETED', amount: 10, currency: 'EUR', paymentMethodDetails };
  expect((await webhook(whole)).status).toBe(200);
  const forged = { Signature: LOCAL_KEYS.signingKey };
  const forgedBody = JSON.stringify({ ...whole, customer });
  expect((await service.api('POST', '/webhooks/paytech', forgedBody, forged)).status).toBe(401);
  await service.webhook(`not json, but ${PLANTED.email} and ${PLANTED.card}`);
  await webhook({ id: PLANTED.email, state: PLANTED.card, amount: PLANTED.phone });
  await webhook({ ...whole, id: 'b'.repeat(32), amount: PLANTED.card });
  await webhook({ ...whole, paymentType: PLANTED.lastName });
  await webhook({ ...whole, state: PLANTED.card });
  await service.functions.get('reconcile')!.invoke({});
  await processed();
  await vi.waitFor(async () => expect(await service.depth('webhooks-dlq')).toBe(3), { timeout: 10_000 });
}

it('lets nothing planted into a log line, a metric, a dead letter’s attribute, an event or the table', async () => {
  const { id, declined } = await payments();
  await refusedRequests();
  await refusedTokens();
  const open = await executions();
  await backOffice(id);
  await webhooks(id, open);

  const places = {
    logs: service.logs.join('\n'),
    deadLetters: await deadLetterAttributes(),
    events: JSON.stringify([
      await service.eventsOf(id),
      await service.eventsOf(open),
      await service.eventsOf(declined),
    ]),
    table: JSON.stringify(await service.items()),
  };
  expect(places.logs).toContain('"MessageParked":1');
  expect(places.deadLetters).toContain('parkedBecause');
  expect(places.events).toContain('COMPLETED');
  const keys = Object.values(LOCAL_KEYS);
  const leaks = Object.entries(places).flatMap(([place, text]) =>
    [...Object.values(PLANTED), ...tokens, ...keys]
      .filter((value) => text.includes(value))
      .map((value) => `${place}: ${value}: ${text.split('\n').find((line) => line.includes(value))}`),
  );
  expect(leaks).toEqual([]);
}, 60_000);
