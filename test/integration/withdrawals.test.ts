import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { askedRequest } from '../../functions/operations/withdrawals.ts';
import { LOCAL_KEYS } from '../../infra/local/account.ts';
import { decimal } from '../../shared/payment/money.ts';
import { readClaim } from '../../shared/store/claims.ts';
import { readPayment } from '../../shared/store/payments.ts';
import { backOffice, CALLER } from '../support/back-office.ts';
import { CUT_OFF } from '../support/cut-off.ts';
import { request, withdrawalsIn } from '../support/withdrawals.ts';
import { sharedWorld, type World, webhookEvent } from '../support/world.ts';

const world = await sharedWorld();
const { office, made, claimOf } = withdrawalsIn(world);

describe('a withdrawal that never left this service', () => {
  it.each(Object.entries(CUT_OFF))('because %s is free for the next call', async (_, cutOff) => {
    const body = request();
    const answer = await backOffice({
      ...world,
      gateway: { ...world.gateway, create: cutOff.create },
    }).withdraw(body);
    expect(answer).toMatchObject({ status: 503, code: 'gateway.unavailable' });
    expect(await claimOf(body.referenceId)).toMatchObject({ stage: 'released', attempt: 1 });
    expect(world.logger.metrics()).toEqual(['GatewayNotReached']);
    expect(await office.withdraw(body)).toMatchObject({ status: 201 });
    expect(world.gateway.bodies.at(-1)).toMatchObject({ referenceId: body.referenceId });
  });
});

describe('POST /operations/withdrawals', () => {
  it('pays out once, and answers the same request again with the same withdrawal', async () => {
    const body = request({ paymentMethod: 'BANKTRANSFER', description: 'winnings' });
    const first = await office.withdraw(body);
    expect(first).toMatchObject({
      status: 201,
      body: {
        referenceId: body.referenceId,
        paymentType: 'WITHDRAWAL',
        state: 'PENDING',
        amount: decimal('50.05'),
      },
    });
    expect(world.gateway.bodies.at(-1)).toEqual({
      ...body,
      amount: decimal('50.05'),
      paymentType: 'WITHDRAWAL',
      webhookUrl: expect.stringContaining('/webhooks/paytech'),
    });
    const again = {
      ...body,
      amount: '50.050',
      customer: { accountNumber: 'DE00 1234', firstName: 'Planted' },
    };
    expect(await office.withdraw(again)).toEqual({ ...first, status: 200 });
    expect(made(body.referenceId)).toHaveLength(1);
    expect((await readPayment(world.table, first.body.id))?.history[0]).toMatchObject({ caller: CALLER });
    expect(JSON.stringify(await world.scan())).not.toMatch(/planted|DE00/i);
  });

  it.each([
    [{ ip: '198.51.100.1' }, { ip: '2001:db8::1' }],
    [{ ip: '198.51.100.1' }, undefined],
    [{ accountNumber: 'DE00 1234' }, { accountNumber: 'DE00 1234', ip: '198.51.100.1' }],
  ])('is the same by %j as by %j: where the customer is says nothing of whom to pay', async (first, then) => {
    const body = request({ customer: first });
    expect((await office.withdraw(body)).status).toBe(201);
    expect(world.gateway.bodies.at(-1)?.customer).toEqual(first);
    expect((await office.withdraw({ ...body, customer: then })).status).toBe(200);
  });

  it('keeps of whom it pays nothing that can be tried out by who reads the table', async () => {
    const body = request();
    await office.withdraw(body);
    const { fingerprint } = (await claimOf(body.referenceId))!.request;
    const { accountNumber, firstName } = body.customer;
    const payee = JSON.stringify({ customer: { accountNumber, firstName } });
    const guessed = (hash: Hash | Hmac) => hash.update(body.referenceId).update(payee).digest('hex');
    expect(fingerprint).toBe(`hmac:${guessed(createHmac('sha256', LOCAL_KEYS.fingerprintKey))}`);
    expect(JSON.stringify(await world.scan())).not.toContain(guessed(createHash('sha256')));
  });

  it('is another for another account', () => {
    const paying = (accountNumber: string) => {
      const body = {
        referenceId: 'payout-1',
        amount: decimal('50.05'),
        currency: 'EUR',
        customer: { accountNumber },
      };
      return askedRequest(body, LOCAL_KEYS.fingerprintKey).fingerprint;
    };
    expect(paying('DE00 1235')).not.toBe(paying('DE00 1234'));
    expect(paying('DE00 1234')).toBe(paying('DE00 1234'));
  });

  it('knows a withdrawal again that an earlier version has claimed, with a plain hash', async () => {
    const body = request({ referenceId: 'payout-of-before' });
    await office.withdraw(body);
    await world.table.update(`withdrawal#${body.referenceId}`, {
      SET: [
        {
          text: '#request.fingerprint = :fingerprint',
          names: { '#request': 'request' },
          values: { ':fingerprint': '33c1ac7ae9bdca9b83c4b7b0b3ae4b85b8721ca2dbba983dc5aafde66433a593' },
        },
      ],
      condition: ['attribute_exists(pk)'],
    });
    expect((await office.withdraw(body)).status).toBe(200);
    const another = { ...body, customer: { ...body.customer, accountNumber: 'DE00 1235' } };
    expect(await office.withdraw(another)).toMatchObject({ status: 409, code: 'payment.reference_conflict' });
  });

  it('makes one withdrawal of twenty requests at once', async () => {
    const body = request();
    const answers = await Promise.all(Array.from({ length: 20 }, () => office.withdraw(body)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(made(body.referenceId)).toHaveLength(1);
  });

  it.each([
    [{ amount: '50.06' }],
    [{ currency: 'USD' }],
    [{ paymentMethod: 'PIX' }],
    [{ customer: { firstName: 'Planted', accountNumber: 'DE00 1235' } }],
    [{ description: 'another' }],
  ])('refuses %o under the same referenceId', async (changed) => {
    const body = request();
    await office.withdraw(body);
    expect(await office.withdraw({ ...body, ...changed })).toMatchObject({
      status: 409,
      code: 'payment.reference_conflict',
    });
    expect(made(body.referenceId)).toHaveLength(1);
  });

  it.each(['DECLINED', 'CANCELLED', 'COMPLETED'] as const)(
    'is never repeated under its own id once %s',
    async (state) => {
      const body = request();
      const { body: withdrawal } = await office.withdraw(body);
      world.gateway.set(withdrawal.id, { state });
      await world.apply(
        webhookEvent({ id: withdrawal.id, paymentType: 'WITHDRAWAL', state, amount: '50.05' }),
      );
      expect(await office.withdraw(body)).toMatchObject({ status: 200, body: { id: withdrawal.id, state } });
      expect(made(body.referenceId)).toHaveLength(1);
    },
  );

  it.each([
    ['a card number', { card: { cardToken: 't', number: '1' } }, 'card.number'],
    ['Google Pay', { googlePay: {} }, 'googlePay'],
    ['Apple Pay', { applePay: {} }, 'applePay'],
    ['a webhookUrl', { webhookUrl: 'https://evil.example' }, 'webhookUrl'],
    ['an address that is none', { customer: { ip: '8.8.8' } }, 'customer.ip'],
    ['another type', { paymentType: 'DEPOSIT' }, 'paymentType'],
    ['a parent', { parentPaymentId: 'x' }, 'parentPaymentId'],
    ['nothing', { amount: '0' }, 'amount'],
  ])('refuses %s by name', async (_, fields, field) => {
    const { create } = world.gateway.calls;
    expect(await office.withdraw(request(fields))).toMatchObject({
      code: 'request.invalid',
      body: { errors: [{ field }] },
    });
    expect(world.gateway.calls.create).toBe(create);
  });

  it('takes the same id for a deposit, a withdrawal and a refund as three', async () => {
    const body = request();
    world.gateway.make({ paymentType: 'DEPOSIT', referenceId: body.referenceId, currency: 'EUR' });
    expect((await office.withdraw(body)).status).toBe(201);
    expect(await readClaim(world.table, 'deposit', body.referenceId)).toBeUndefined();
  });
});

it('is recorded as PENDING where paytech answers a state that no withdrawal has', async () => {
  const create: World['gateway']['create'] = async (...args) => {
    const answer = await world.gateway.create(...args);
    if (answer.kind === 'answered') answer.result.facts.state = 'CHECKOUT';
    return answer;
  };
  const { body } = await backOffice({ ...world, gateway: { ...world.gateway, create } }).withdraw(request());
  expect(await readPayment(world.table, body.id)).toMatchObject({ state: 'PENDING' });
  const said = webhookEvent({ id: body.id, paymentType: 'WITHDRAWAL', state: 'COMPLETED', amount: '50.05' });
  expect((await world.apply(said)).outcome).toBe('applied');
});

describe('a withdrawal of which only a webhook has reported that it failed', () => {
  const failed = async () => {
    const body = request();
    const { id } = (await office.withdraw(body)).body;
    const said = { paymentType: 'WITHDRAWAL', state: 'DECLINED', amount: '50.05' };
    await world.apply(webhookEvent({ id, ...said }));
    expect(await readPayment(world.table, id)).toMatchObject({ state: 'DECLINED', unconfirmed: true });
    return { body, id: id as string };
  };

  it('is shown as paytech has it', async () => {
    const { body, id } = await failed();
    const shown = (state: string, final: boolean) => ({ status: 200, body: { id, state, final } });
    expect(await office.withdraw(body)).toMatchObject(shown('PENDING', false));
    world.gateway.set(id, { state: 'COMPLETED' });
    expect(await office.withdraw(body)).toMatchObject(shown('COMPLETED', true));
    expect(made(body.referenceId)).toHaveLength(1);
  });

  it('is shown as failed where paytech says so, and not while it does not answer', async () => {
    const { body, id } = await failed();
    world.gateway.endings.push({ on: 'get', ends: 'unknown' });
    expect(await office.withdraw(body)).toMatchObject({ status: 503, code: 'gateway.unavailable' });
    world.gateway.set(id, { state: 'DECLINED' });
    expect(await office.withdraw(body)).toMatchObject({ status: 200, body: { id, state: 'DECLINED' } });
  });
});
