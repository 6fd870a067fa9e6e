import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { operator } from '../support/operator.ts';
import { type LocalRunService, startLocalService } from '../support/service.ts';
import { signedCalls } from '../support/signed.ts';

/** Where the tokens by which customers are charged stay, and what a person writes of a chargeback. */

let service: LocalRunService;
let signed: ReturnType<typeof signedCalls>;
let ops: ReturnType<typeof operator>['ops'];
beforeAll(async () => {
  service = await startLocalService({ settings: { eventParameters: ['shop'] } });
  signed = signedCalls(service);
  ops = operator(service).ops;
});
afterAll(() => service.stop());

const EUR_10 = { amount: '10', currency: 'EUR' };
const PLANTED = { description: 'the parcel for Zacharias', note: 'a note on Ottoline' };
/** What the back office and browsers were answered. */
const answers: string[] = [];

interface Truth {
  recurringToken: string;
  paymentMethodDetails: { cardToken: string };
}

async function answered(method: string, path: string, body?: object): Promise<Record<string, never>> {
  const answer = await signed(method, path, body && JSON.stringify(body));
  answers.push(answer.text);
  return answer.json();
}
const truthOf = async (id: string) =>
  (await service.simulator('GET', `/simulator/payments/${id}`)).json() as unknown as Truth;
const ends = (id: string, state: string) =>
  vi.waitFor(async () => expect(await service.item(`payment#${id}`)).toMatchObject({ state }), {
    timeout: 15_000,
  });

/** A first payment by the card, after which its customer can be charged again. */
async function firstPayment(more: object = {}, move: object = { cardNumber: '4000 0000 0000 0408' }) {
  const customer = { referenceId: 'jane' };
  const order = { referenceId: `order-${randomUUID()}`, ...EUR_10, customer, startRecurring: true };
  const { id = '' } = await answered('POST', '/payments', { ...order, ...more });
  await service.simulator('POST', `/simulator/payments/${id}/pay`, move);
  return id as string;
}
async function chargedAgain(parentPaymentId: string): Promise<string> {
  const again = { referenceId: `renewal-${randomUUID()}`, ...EUR_10, parentPaymentId };
  const { id = '' } = await answered('POST', '/operations/deposits', again);
  return id;
}
/** Everything that shows the payments, but what browsers and subscribers get. */
async function lookedAt(ids: string[]): Promise<void> {
  await answered('GET', '/operations/payments');
  for (const id of ids) {
    await answered('GET', `/operations/payments/${id}`);
    await answered('GET', `/operations/payments/${id}/gateway-operations`);
    answers.push((await service.api('GET', `/payments/${id}`)).text);
    const [shown, explained] = await Promise.all([ops(['show', id, '--json']), ops(['explain', id])]);
    expect([shown.code, explained.code], shown.stderr + explained.stderr).toEqual([0, 0]);
    answers.push(shown.stdout, explained.stdout);
  }
}
/** As paytech answered them. */
async function trailsOfPaytech(): Promise<string> {
  const requests = (await service.simulator('GET', '/simulator/requests')).json() as unknown as {
    path: string;
  }[];
  return JSON.stringify(requests.filter(({ path }) => path.endsWith('/operations')));
}
const eventsOf = async (ids: string[]) => {
  const events = [];
  for (const id of ids) events.push(await service.eventsOf(id));
  return JSON.stringify(events);
};

it('a recurringToken is in its record alone, a card’s token in what the back office sees', async () => {
  const additionalParameters = { shop: 'north', note: PLANTED.note };
  const id = await firstPayment({ additionalParameters });
  await ends(id, 'COMPLETED');
  const { recurringToken, paymentMethodDetails } = await truthOf(id);

  const charged = await chargedAgain(id);
  await ends(charged, 'COMPLETED');
  await answered('POST', `/operations/payments/${id}/chargeback`, { description: PLANTED.description });
  await vi.waitFor(async () => expect(await service.eventsOf(id)).toHaveLength(2), { timeout: 15_000 });
  await lookedAt([id, charged]);
  const { cards } = (await answered('GET', '/operations/customers/jane/cards')) as unknown as {
    cards: object[];
  };
  expect(cards).toMatchObject([{ cardToken: paymentMethodDetails.cardToken }]);

  const events = await eventsOf([id, charged]);
  const logs = service.logs.join('\n');
  expect(events).toContain('north');
  expect(logs).toContain(id);
  for (const secret of [recurringToken, paymentMethodDetails.cardToken, ...Object.values(PLANTED)]) {
    expect(events, 'events').not.toContain(secret);
    expect(logs, 'logs').not.toContain(secret);
  }
  expect(await trailsOfPaytech()).toContain(recurringToken);
  expect(answers.filter((text) => text.includes(recurringToken))).toEqual([]);
  const items = (await service.items()).filter((item) => JSON.stringify(item).includes(recurringToken));
  expect(items.map(({ pk }) => pk)).toEqual([`payment#${id}`]);
  expect(JSON.stringify(await service.items())).not.toContain(PLANTED.note);
}, 240_000);

it('what paytech says of a token that it does not find repeats it nowhere', async () => {
  const unpaid = await firstPayment({}, { state: 'DECLINED' });
  await ends(unpaid, 'DECLINED');
  const { recurringToken } = await truthOf(unpaid);
  const cardToken = `unknown-${randomUUID().slice(0, 23)}`;
  const order = { ...EUR_10, customer: { referenceId: 'jane' } };

  const charged = await chargedAgain(unpaid);
  const byCard = { ...order, referenceId: `order-${randomUUID()}`, cardToken };
  const { id: bySavedCard = '' } = await answered('POST', '/payments', byCard);
  const payout = { ...order, referenceId: `payout-${randomUUID()}`, card: { cardToken } };
  const { id: paidOut = '' } = await answered('POST', '/operations/withdrawals', payout);
  const ids = [charged, bySavedCard as string, paidOut as string];
  await Promise.all(ids.map((id) => ends(id, 'DECLINED')));
  await vi.waitFor(async () => {
    for (const id of ids) expect(await service.eventsOf(id)).not.toEqual([]);
  });
  await lookedAt(ids);

  const events = await eventsOf(ids);
  expect(events).toContain('Token **** not found');
  for (const secret of [recurringToken, cardToken]) {
    const told = [...answers, events, ...service.logs];
    expect(told.filter((text) => text.includes(secret))).toEqual([]);
    const holders = (await service.items()).filter((item) => JSON.stringify(item).includes(secret));
    expect(holders.map(({ pk }) => pk)).toEqual(secret === recurringToken ? [`payment#${unpaid}`] : []);
  }
}, 240_000);
