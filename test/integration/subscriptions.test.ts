/** Subscriptions that paytech runs: asked for with a first payment, looked at and cancelled. */
import { describe, expect, it } from 'vitest';
import { cancelSubscription, showSubscription } from '../../functions/operations/subscriptions.ts';
import { parseJson } from '../../shared/payment/json.ts';
import { decimal } from '../../shared/payment/money.ts';
import type { Answer, GatewayClient } from '../../shared/paytech/client.ts';
import { readSubscription } from '../../shared/paytech/subscription.ts';
import { answerOf } from '../support/back-office.ts';
import { orderRoute } from '../support/order-route.ts';
import { sharedWorld } from '../support/world.ts';

const world = await sharedWorld();
const TERMS = {
  frequency: 1,
  frequencyUnit: 'MONTH',
  amount: '4.99',
  numberOfCycles: 12,
  description: 'Planted',
};
const ID = 's'.repeat(32);

describe('the terms of a subscription', () => {
  it('go to paytech with the first payment, and are kept by their hash', async () => {
    const order = orderRoute(world, { startRecurring: true, subscription: TERMS });
    expect(await order.send()).toMatchObject({ status: 201 });
    expect(world.gateway.bodies.at(-1)).toMatchObject({
      startRecurring: true,
      subscription: { frequency: decimal('1'), frequencyUnit: 'MONTH', amount: decimal('4.99') },
    });
    expect(await order.send({ subscription: { ...TERMS, amount: '4.990' } })).toMatchObject({ status: 200 });
    const other = { subscription: { ...TERMS, frequency: 2 } };
    expect(await order.send(other)).toMatchObject({ code: 'payment.reference_conflict' });
    expect(await order.send({ subscription: undefined })).toMatchObject({
      code: 'payment.reference_conflict',
    });
    expect(JSON.stringify(await world.scan())).not.toContain('Planted');
  });

  it.each([
    [{ startRecurring: false }, 'subscription'],
    [{ subscription: { frequencyUnit: 'DAY' } }, 'subscription.frequency'],
    [{ subscription: { frequency: 0 } }, 'subscription.frequency'],
    [{ subscription: { ...TERMS, frequencyUnit: 'YEAR' } }, 'subscription.frequencyUnit'],
    [{ subscription: { ...TERMS, startTime: 'tomorrow' } }, 'subscription.startTime'],
    [
      { subscription: { ...TERMS, retryStrategy: { frequency: 1 } } },
      'subscription.retryStrategy.numberOfCycles',
    ],
    [{ subscription: { ...TERMS, price: 1 } }, 'subscription.price'],
  ])('are refused as %j', async (more, field) => {
    const { status, body } = await orderRoute(world, { startRecurring: true, subscription: TERMS }).send(
      more,
    );
    expect({ status, fields: body.errors.map((each: { field: string }) => each.field) }).toEqual({
      status: 400,
      fields: [field],
    });
  });
});

type Told = Answer<unknown>;
const as = (state: string): Told => ({ kind: 'answered', result: { id: ID, state, cycles: [] } });
const untold: Told = { kind: 'answered', result: { id: ID, state: null } };
const lost: Told = { kind: 'unknown', reason: 'timeout' };

function routes(shown: Told, cancelled: Told = as('CANCELLED')) {
  const gateway: Pick<GatewayClient, 'subscription' | 'cancelSubscription'> = {
    subscription: async () => shown,
    cancelSubscription: async () => cancelled,
  };
  const event = (id: string) => ({ pathParameters: { id } }) as never;
  return {
    show: (id = ID) => answerOf(() => showSubscription({ gateway })(event(id))),
    cancel: (id = ID) => answerOf(() => cancelSubscription({ gateway })(event(id))),
  };
}

describe('a subscription', () => {
  it('is shown as paytech has it', async () => {
    expect(await routes(as('ACTIVE')).show()).toMatchObject({
      status: 200,
      body: { id: ID, state: 'ACTIVE' },
    });
    expect(await routes({ kind: 'not-accepted', status: 404 }).show()).toMatchObject({
      code: 'subscription.not_found',
    });
    expect(await routes(lost).show()).toMatchObject({ code: 'gateway.unavailable' });
    expect(await routes(as('ACTIVE')).show('../payments')).toMatchObject({ code: 'subscription.not_found' });
  });

  it('is read as far as it is told', () => {
    const told = parseJson(
      '{"state":"ACTIVE","cycles":[{"sequence":1,"amount":4.99,"paymentId":"p","startTime":null},{"startTime":"2026-11-27T05:49:12"},{"type":5}],"x":1}',
    );
    expect(readSubscription(ID, told)).toEqual({
      id: ID,
      state: 'ACTIVE',
      cycles: [
        { sequence: 1, amount: decimal('4.99'), paymentId: 'p' },
        { startTime: '2026-11-27T05:49:12.000Z' },
        {},
      ],
    });
    expect(readSubscription(ID, {})).toEqual({ id: ID, cycles: [] });
    const marred = parseJson('{"cycles":[null,{"paymentId":"p","sequence":1e40},"x"]}');
    expect(readSubscription(ID, marred)).toEqual({ id: ID, cycles: [{ paymentId: 'p' }] });
  });

  it.each<[string, Told, Told, object]>([
    ['', as('CANCELLED'), as('CANCELLED'), { status: 200, body: { state: 'CANCELLED' } }],
    [
      'twice, which paytech refuses',
      as('CANCELLED'),
      refused(),
      { status: 200, body: { state: 'CANCELLED' } },
    ],
    ['though nobody heard it', as('CANCELLED'), lost, { status: 200, body: { state: 'CANCELLED' } }],
    ['where it cannot be shown', lost, as('CANCELLED'), { status: 200, body: { state: 'CANCELLED' } }],
    ['in vain', as('ACTIVE'), lost, { status: 503, code: 'operation.outcome_unknown' }],
    ['which only the answer says', untold, as('CANCELLED'), { status: 200, body: { state: 'CANCELLED' } }],
    ['which no answer denies', untold, untold, { status: 200, body: { state: 'CANCELLED' } }],
    ['unheard, and not told', untold, lost, { status: 503, code: 'operation.outcome_unknown' }],
    ['which its own answer denies', lost, as('ACTIVE'), { status: 503, code: 'operation.outcome_unknown' }],
    ['which paytech does not show', as('ACTIVE'), as('CANCELLED'), { status: 503 }],
    ['after its end', as('COMPLETED'), refused(), { status: 422, code: 'gateway.rejected' }],
  ])('is cancelled %s', async (_, shown, cancelled, expected) => {
    expect(await routes(shown, cancelled).cancel()).toMatchObject(expected);
  });
});

function refused(): Told {
  return { kind: 'refused', message: '1.00', errors: [] };
}
