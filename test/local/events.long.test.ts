import { randomUUID } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { EVENT_TYPES } from '../../shared/payment/event-schema.ts';
import { decimal } from '../../shared/payment/money.ts';
import { readPaymentEvent } from '../../shared/payment/read-event.ts';
import { amountsAsNumbers } from '../support/amounts.ts';
import { eventProblem } from '../support/event-schema.ts';
import { sharedService } from '../support/service.ts';
import { signedCalls } from '../support/signed.ts';

/** Events of every kind as the real service publishes them, against the schema that subscribers are given. */

const service = await sharedService();
const signed = signedCalls(service);

const AMOUNT = '120.123456789012345678';

async function made(path: string, fields: object, amount = AMOUNT): Promise<string> {
  const body = `{"amount":${amount},${JSON.stringify({ currency: 'EUR', ...fields }).slice(1)}`;
  const answer = await (path === '/payments' ? service.api : signed)('POST', path, body);
  expect(answer.status, answer.text).toBe(201);
  return String(JSON.parse(answer.text).id);
}
const order = (fields: object = {}) => made('/payments', { referenceId: `order-${randomUUID()}`, ...fields });
const pay = (id: string, how: object) => service.simulator('POST', `/simulator/payments/${id}/pay`, how);

/** The events of a payment, once one of this type is among them. */
async function eventsUntil(id: string, type: string) {
  return vi.waitFor(
    async () => {
      const events = await service.eventsOf(id);
      expect(events.map(({ attributes }) => attributes.type)).toContain(`paytech.payment.${type}`);
      return events;
    },
    { timeout: 10_000, interval: 20 },
  );
}

/** By the last type of event. */
const WAYS: Record<string, () => Promise<string>> = {
  async pending() {
    const id = await order({ paymentMethod: 'PIX' });
    const answer = await service.api('PATCH', `/payments/${id}`);
    expect(answer.status, answer.text).toBe(200);
    return id;
  },
  async authorized() {
    const id = await order({ preAuth: true });
    await pay(id, { cardNumber: '4000 0000 0000 0408' });
    return id;
  },
  async completed() {
    const id = await order({ paymentMethod: 'BASIC_CARD' });
    await pay(id, { cardNumber: '4000 0000 0000 0408' });
    return id;
  },
  async declined() {
    const id = await order();
    await pay(id, { state: 'DECLINED' });
    return id;
  },
  async cancelled() {
    const id = await order();
    await pay(id, { state: 'CANCELLED' });
    return id;
  },
  async corrected() {
    const id = await order();
    await service.simulator('POST', `/simulator/payments/${id}/webhook`, { state: 'DECLINED' });
    await eventsUntil(id, 'declined');
    await pay(id, { state: 'COMPLETED' });
    return id;
  },
  async chargeback() {
    const id = await order();
    await pay(id, { state: 'COMPLETED' });
    await eventsUntil(id, 'completed');
    const answer = await signed('POST', `/operations/payments/${id}/chargeback`, '{}');
    expect(answer.status, answer.text).toBe(200);
    return id;
  },
};

describe('an event', () => {
  it.each(Object.keys(WAYS))('%s is as the schema says, its amounts exact', async (type) => {
    const id = await WAYS[type]!();
    const events = await eventsUntil(id, type);
    for (const { body } of events) {
      expect(eventProblem(body)).toBeUndefined();
      expect(body).toContain(`"amount":"${AMOUNT}",`);
      expect(amountsAsNumbers(JSON.parse(body))).toEqual([]);
      const { data, subject } = readPaymentEvent(body);
      expect(subject).toBe(id);
      expect(data.payment.requestedAmount).toEqual(decimal(AMOUNT));
    }
  });

  it('of a payout that is approved is as the schema says', async () => {
    const id = await made('/operations/withdrawals', {
      referenceId: `payout-${randomUUID()}`,
      additionalParameters: { approval: 'required' },
    });
    await service.untilAtPaytech(id, 'AWAITING_APPROVAL');
    await signed('POST', `/operations/payments/${id}/approve`);
    const [event] = await eventsUntil(id, 'completed');
    expect(readPaymentEvent(event!.body).data.payment).toMatchObject({ id, paymentType: 'WITHDRAWAL' });
  });

  it('of a refund names its parent', async () => {
    const paymentId = await WAYS.completed!();
    await eventsUntil(paymentId, 'completed');
    const id = await made('/operations/refunds', { refundId: randomUUID(), paymentId, currency: undefined });
    const [event] = await eventsUntil(id, 'completed');
    expect(readPaymentEvent(event!.body).data.payment).toMatchObject({
      paymentType: 'REFUND',
      parentPaymentId: paymentId,
      amount: decimal(AMOUNT),
    });
  });

  it('with a field missing, of another type or unknown is noticed', async () => {
    const { body } = (await eventsUntil(await WAYS.completed!(), 'completed')).at(-1)!;
    for (const wrong of [
      body.replace('"subject"', '"object"'),
      body.replace(`"amount":"${AMOUNT}"`, `"amount":${AMOUNT}`),
      body.replace(`"amount":"${AMOUNT}"`, '"amount":"1e2"'),
      body.replace('"dataschema"', '"datascheme"'),
      body.replace('"origin":"service"', '"origin":"ours"'),
      body.replace('"state":"COMPLETED"', '"state":"PAID"'),
      body.replace('"paymentType"', '"type":1,"paymentType"'),
    ]) {
      expect(wrong).not.toBe(body);
      expect(eventProblem(wrong)).toBeDefined();
    }
    expect(() => readPaymentEvent(body.replace('"subject"', '"object"'))).toThrow();
  });
});

it('every type of event that there is comes from here, but for those that paytech never announces', () => {
  const types = new Set(Object.keys(WAYS).map((type) => `paytech.payment.${type}`));
  const others = EVENT_TYPES.filter((type) => !types.has(type));
  expect(others).toEqual(['paytech.payment.checkout', 'paytech.payment.awaiting_approval']);
});
