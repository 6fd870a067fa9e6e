import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Service, startService } from '../support/service.ts';
import { signedCalls } from '../support/signed.ts';

/** Saved cards, recurring charges, subscriptions and chargebacks from outside, against a simulator that tells all or little. */

let service: Service;
let signed: ReturnType<typeof signedCalls>;
beforeAll(async () => {
  service = await startService();
  signed = signedCalls(service);
});
afterAll(() => service.stop());

const CARD = '4000 0000 0000 0408';
const EUR_10 = { amount: '10', currency: 'EUR' };
const soon = <T>(check: () => Promise<T>) => vi.waitFor(check, { timeout: 20_000, interval: 50 });
const newId = (what: string) => `${what}-${randomUUID()}`;

async function operation(method: string, path: string, body?: object) {
  const answer = await signed(method, `/operations${path}`, body && JSON.stringify(body));
  // biome-ignore lint/suspicious/noExplicitAny: of any route
  return { status: answer.status, body: answer.json() as Record<string, any> };
}

async function order(more: object = {}) {
  const body = { referenceId: newId('order'), ...EUR_10, ...more };
  const answer = await service.api('POST', '/payments', JSON.stringify(body));
  expect(answer.status, answer.text).toBe(201);
  return answer.json() as Record<string, string>;
}

const ends = (id: string, state: string) =>
  soon(async () => expect(await service.item(`payment#${id}`)).toMatchObject({ state }));
const eventsOf = async (id: string, type: string) =>
  (await service.eventsOf(id))
    .map(({ body }) => JSON.parse(body))
    .filter((event) => event.type === `paytech.payment.${type}`);

async function paid(more: object = {}): Promise<string> {
  const { id } = await order(more);
  await service.simulator('POST', `/simulator/payments/${id}/pay`, { cardNumber: CARD });
  await ends(id!, 'COMPLETED');
  return id!;
}

describe.each(['whole', 'sparse'])('where paytech’s answers are %s', (form) => {
  beforeAll(async () => {
    await service.simulator('POST', '/simulator/answers', { form });
  });

  it('a saved card is found, charged and paid out to', async () => {
    const customer = { referenceId: newId('customer') };
    await paid({ customer });
    const { status, body } = await operation('GET', `/customers/${customer.referenceId}/cards`);
    expect(status).toBe(200);
    const [card] = body.cards;
    expect(body.cards).toHaveLength(1);
    expect(JSON.stringify(body)).not.toContain(CARD.replaceAll(' ', ''));

    const charge = await order({ customer, cardToken: card.cardToken });
    expect(charge).toMatchObject({ state: 'PENDING' });
    await ends(charge.id!, 'COMPLETED');
    await soon(async () => {
      const [event] = await eventsOf(charge.id!, 'completed');
      expect(event.data.payment).toMatchObject({ ...EUR_10, referenceId: charge.referenceId });
      expect(JSON.stringify(event)).not.toContain(card.cardToken);
    });
    const payout = { referenceId: newId('payout'), ...EUR_10, customer, card: { cardToken: card.cardToken } };
    const out = await operation('POST', '/withdrawals', payout);
    expect(out.status).toBe(201);
    expect((await operation('POST', '/withdrawals', payout)).body.id).toBe(out.body.id);
    const number = { ...payout, referenceId: newId('payout'), card: { cardNumber: CARD } };
    expect(await operation('POST', '/withdrawals', number)).toMatchObject({ status: 400 });
    const stranger = await operation('GET', '/customers/not@there/cards');
    expect(stranger).toMatchObject({ status: 400, body: { code: 'request.invalid' } });
  });

  it('a customer is charged again, once per referenceId', async () => {
    const parentPaymentId = await paid({ startRecurring: true });
    const body = { referenceId: newId('renewal'), ...EUR_10, parentPaymentId };
    const { status, body: charged } = await operation('POST', '/deposits', body);
    expect({ status, charged }).toMatchObject({ status: 201, charged: { paymentType: 'DEPOSIT' } });
    expect(await operation('POST', '/deposits', body)).toMatchObject({
      status: 200,
      body: { id: charged.id },
    });
    await ends(charged.id, 'COMPLETED');
    await soon(async () => {
      const [event] = await eventsOf(charged.id, 'completed');
      expect(event.data).toMatchObject({
        origin: 'service',
        payment: { referenceId: body.referenceId, parentPaymentId },
      });
    });
    const other = { ...body, referenceId: newId('renewal'), parentPaymentId: await paid() };
    expect(await operation('POST', '/deposits', other)).toMatchObject({
      status: 409,
      body: { code: 'payment.state_conflict' },
    });
  });

  it('what paytech charges by itself is recorded and told with its parent, until it is cancelled', async () => {
    const subscription = { frequency: 1, frequencyUnit: 'MONTH', numberOfCycles: 3 };
    const parentPaymentId = await paid({ startRecurring: true, subscription });
    const all = (await service.simulator('GET', '/simulator/subscriptions')).json() as unknown as {
      id: string;
      parentPaymentId: string;
    }[];
    const { id } = all.find((each) => each.parentPaymentId === parentPaymentId)!;
    const cycle = (await service.simulator('POST', `/simulator/subscriptions/${id}/cycle`)).json();
    // Where nobody but the list names its parent, it waits for a minute and is told as external until then.
    await soon(async () => {
      const [event] = await eventsOf(String(cycle.id), 'completed');
      if (form === 'sparse') expect(event).toBeUndefined();
      else expect(event?.data).toMatchObject({ origin: 'service', payment: { ...EUR_10, parentPaymentId } });
    });
    expect(await operation('GET', `/subscriptions/${id}`)).toMatchObject({
      status: 200,
      body: { id, state: 'ACTIVE', cycles: [{ paymentId: cycle.id }] },
    });
    for (const _ of ['first', 'again']) {
      expect(await operation('POST', `/subscriptions/${id}/cancel`)).toMatchObject({
        status: 200,
        body: { state: 'CANCELLED' },
      });
    }
    expect(await operation('GET', `/subscriptions/${'0'.repeat(32)}`)).toMatchObject({ status: 404 });
  });

  it('a chargeback is registered, told and closed, and in the way of refunds meanwhile', async () => {
    const id = await paid();
    const dispute = await operation('POST', `/payments/${id}/chargeback`, { description: 'never arrived' });
    expect(dispute).toMatchObject({
      status: 200,
      body: { state: 'COMPLETED', chargeback: { state: 'OPEN' } },
    });
    await soon(async () => expect(await eventsOf(id, 'chargeback')).toHaveLength(1));
    const refund = { refundId: newId('refund'), paymentId: id };
    expect(await operation('POST', '/refunds', refund)).toMatchObject({
      status: 409,
      body: { code: 'refund.chargeback' },
    });
    await service.simulator('POST', `/simulator/payments/${id}/chargeback`, { state: 'DECLINED' });
    await soon(async () => {
      const told = await eventsOf(id, 'chargeback');
      expect(told.map(({ data }) => data.chargeback.state)).toEqual(['OPEN', 'DECLINED']);
    });
    expect((await operation('GET', `/payments/${id}`)).body).toMatchObject({
      state: 'COMPLETED',
      quarantined: 0,
      chargeback: { state: 'DECLINED', description: 'never arrived' },
    });
    expect(await operation('POST', '/refunds', refund)).toMatchObject({ status: 201 });
  });
});
