import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type LocalRunService, startLocalService } from '../support/service.ts';
import { signedCalls } from '../support/signed.ts';

/** Where the tokens by which customers are charged stay, and what a person writes of a chargeback. */

let service: LocalRunService;
let signed: ReturnType<typeof signedCalls>;
beforeAll(async () => {
  service = await startLocalService({ settings: { eventParameters: ['shop'] } });
  signed = signedCalls(service);
});
afterAll(() => service.stop());

const EUR_10 = { amount: '10', currency: 'EUR' };
const PLANTED = { description: 'the parcel for Zacharias', note: 'a note on Ottoline' };
const answers: string[] = [];

async function answered(method: string, path: string, body?: object): Promise<Record<string, never>> {
  const answer = await signed(method, path, body && JSON.stringify(body));
  answers.push(answer.text);
  return answer.json();
}
const ends = (id: string, state: string) =>
  vi.waitFor(async () => expect(await service.item(`payment#${id}`)).toMatchObject({ state }), {
    timeout: 15_000,
  });

it('a recurringToken is in its record alone, a card’s token in what the back office sees', async () => {
  const customer = { referenceId: 'jane' };
  const order = { referenceId: `order-${randomUUID()}`, ...EUR_10, customer, startRecurring: true };
  const additionalParameters = { shop: 'north', note: PLANTED.note };
  const { id } = await answered('POST', '/payments', { ...order, additionalParameters });
  await service.simulator('POST', `/simulator/payments/${id}/pay`, { cardNumber: '4000 0000 0000 0408' });
  await ends(id!, 'COMPLETED');
  const truth = (await service.simulator('GET', `/simulator/payments/${id}`)).json() as unknown as {
    recurringToken: string;
    paymentMethodDetails: { cardToken: string };
  };
  const { recurringToken, paymentMethodDetails } = truth;

  const again = { referenceId: `renewal-${randomUUID()}`, ...EUR_10, parentPaymentId: id };
  const { id: charged } = await answered('POST', '/operations/deposits', again);
  await ends(charged!, 'COMPLETED');
  await answered('POST', `/operations/payments/${id}/chargeback`, { description: PLANTED.description });
  await vi.waitFor(async () => expect(await service.eventsOf(id!)).toHaveLength(2), { timeout: 15_000 });
  await answered('GET', `/operations/payments/${id}`);
  await answered('GET', '/operations/payments');
  const { cards } = (await answered('GET', '/operations/customers/jane/cards')) as unknown as {
    cards: object[];
  };
  expect(cards).toMatchObject([{ cardToken: paymentMethodDetails.cardToken }]);

  const events = JSON.stringify([await service.eventsOf(id!), await service.eventsOf(charged!)]);
  const logs = service.logs.join('\n');
  expect(events).toContain('north');
  expect(logs).toContain(id);
  for (const secret of [recurringToken, paymentMethodDetails.cardToken, ...Object.values(PLANTED)]) {
    expect(events, 'events').not.toContain(secret);
    expect(logs, 'logs').not.toContain(secret);
  }
  expect(answers.join('\n')).not.toContain(recurringToken);
  const items = (await service.items()).filter((item) => JSON.stringify(item).includes(recurringToken));
  expect(items.map(({ pk }) => pk)).toEqual([`payment#${id}`]);
  expect(JSON.stringify(await service.items())).not.toContain(PLANTED.note);
});
