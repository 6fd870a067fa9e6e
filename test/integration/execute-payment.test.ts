import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { executePayment } from '../../functions/execute-payment/pipeline.ts';
import { act } from '../../shared/calls/act.ts';
import {
  type Action,
  EXECUTION_ENDS_MS,
  openOperation,
  UNTOUCHED_GAP_MS,
} from '../../shared/payment/action.ts';
import { LEASE_MS } from '../../shared/payment/claim.ts';
import { decimal } from '../../shared/payment/money.ts';
import type { PaymentState } from '../../shared/payment/state.ts';
import { actingIn, httpEvent } from '../support/acting.ts';
import { sharedWorld } from '../support/world.ts';

const world = await sharedWorld();
const { payment, ask, callsDuring } = actingIn(world);
const { stored } = world;

describe('PATCH /payments/{id}', () => {
  const patch = (id: string, body?: unknown, sourceIp = '203.0.113.7') =>
    executePayment({ act: act({ ...world, ready: async () => {} }) })(
      httpEvent(id, body === undefined ? undefined : JSON.stringify(body), sourceIp),
      randomUUID(),
      world.now() + 14_000,
    );

  it('executes from the address of the caller, and answers the instructions', async () => {
    const id = await payment('CHECKOUT');
    const answer = await patch(id, { browserLanguage: 'en-GB', browserScreenWidth: 1920 });
    expect(answer).toMatchObject({
      status: 200,
      body: { id, state: 'PENDING', version: 1, externalRefs: { reference: expect.any(String) } },
    });
    expect(world.gateway.executions.at(-1)).toEqual({
      browserLanguage: 'en-GB',
      browserScreenWidth: decimal('1920'),
      customerIp: '203.0.113.7',
    });
    await world.applyQueued();
    expect((await patch(id)).body).toMatchObject({
      state: 'PENDING',
      version: 2,
      externalRefs: { reference: expect.any(String) },
    });
  });

  it('done twice, or twenty times at once, executes once', async () => {
    const id = await payment('CHECKOUT');
    const calls = await callsDuring(async () => {
      const answers = await Promise.allSettled(Array.from({ length: 20 }, () => patch(id)));
      for (const answer of answers) {
        if (answer.status === 'rejected') expect(answer.reason.code).toBe('operation.in_progress');
      }
      expect(await patch(id)).toMatchObject({ status: 200, body: { state: 'PENDING' } });
    });
    expect(calls.execute).toBe(1);
  });

  it('answers the outcome that it found out, or that it is unknown', async () => {
    const lost = await payment('CHECKOUT');
    world.gateway.endings.push({ on: 'execute', ends: 'lost' });
    expect(await patch(lost)).toMatchObject({ status: 200, body: { state: 'PENDING' } });

    const unknown = await payment('CHECKOUT');
    world.gateway.endings.push({ on: 'execute', ends: 'unknown' });
    await expect(patch(unknown)).rejects.toMatchObject({
      code: 'payment.outcome_unknown',
      retryAfter: expect.any(Number),
    });
    world.clock.at += LEASE_MS;
    const calls = await callsDuring(() => patch(unknown).catch(() => {}));
    expect(calls).toEqual({ get: 1 });
  });

  describe('that was lost', () => {
    async function lostAt(): Promise<string> {
      const id = await payment('CHECKOUT');
      world.gateway.endings.push({ on: 'execute', ends: 'unknown' });
      await expect(patch(id)).rejects.toMatchObject({ code: 'payment.outcome_unknown' });
      return id;
    }
    const isUnknown = (id: string) =>
      expect(patch(id)).rejects.toMatchObject({ code: 'payment.outcome_unknown', retryAfter: 30 });
    const executions = (work: () => Promise<unknown>) => callsDuring(work).then(({ execute = 0 }) => execute);

    it('is sent anew once GET has shown the deposit untouched twice, after all that paytech may still do', async () => {
      const id = await lostAt();
      const tooEarly = await executions(async () => {
        await expect(patch(id)).rejects.toMatchObject({ code: 'operation.in_progress' });
        world.clock.at += LEASE_MS;
        await isUnknown(id);
        world.clock.at += EXECUTION_ENDS_MS - LEASE_MS - 1;
        await isUnknown(id);
      });
      expect(tooEarly).toBe(0);
      world.clock.at += 1;
      expect(await executions(() => patch(id))).toBe(1);
      expect(await patch(id)).toMatchObject({ status: 200, body: { state: 'PENDING' } });
      await world.applyQueued();
      expect((await stored(id)).operations).toMatchObject([
        { kind: 'execute', released: { by: 'paytech', why: expect.stringContaining('twice') } },
        { kind: 'execute' },
      ]);
    });

    it('is not sent anew after one look, however late, nor after two at once', async () => {
      const id = await lostAt();
      world.clock.at += EXECUTION_ENDS_MS;
      const times = await executions(async () => {
        await isUnknown(id);
        world.clock.at += UNTOUCHED_GAP_MS - 1;
        await isUnknown(id);
      });
      expect(times).toBe(0);
    });

    it('is not sent anew where GET does not answer, or shows that it moved', async () => {
      const id = await lostAt();
      world.clock.at += LEASE_MS;
      await isUnknown(id);
      world.clock.at += EXECUTION_ENDS_MS;
      const times = await executions(async () => {
        world.gateway.endings.push({ on: 'get', ends: 'unknown' });
        await isUnknown(id);
        world.gateway.set(id, { state: 'PENDING' });
        expect(await patch(id)).toMatchObject({ status: 200, body: { state: 'PENDING' } });
      });
      expect(times).toBe(0);
    });

    it('is done where GET shows instructions, though the deposit is still to be paid', async () => {
      const externalRefs = { iban: 'DE02 1203 0000 0000 2020 51' };
      const id = await lostAt();
      world.gateway.set(id, { externalRefs });
      const times = await executions(async () => {
        expect(await patch(id)).toMatchObject({ status: 200, body: { state: 'CHECKOUT', externalRefs } });
      });
      expect(times).toBe(0);
      expect(openOperation(await stored(id))).toBeUndefined();
    });

    it('is sent anew by one of many that come at once', async () => {
      const id = await lostAt();
      world.clock.at += LEASE_MS;
      await isUnknown(id);
      world.clock.at += EXECUTION_ENDS_MS;
      const times = await executions(() => Promise.allSettled(Array.from({ length: 10 }, () => patch(id))));
      expect(times).toBe(1);
    });
  });

  it.each<[Action, PaymentState]>([
    ['capture', 'AUTHORIZED'],
    ['void', 'AUTHORIZED'],
    ['approve', 'AWAITING_APPROVAL'],
    ['reject', 'AWAITING_APPROVAL'],
  ])('%s that was lost is never free by itself', async (kind, state) => {
    const id = await payment(state);
    world.gateway.endings.push({ on: kind, ends: 'unknown' });
    await ask(kind, id);
    const calls = await callsDuring(async () => {
      for (let hour = 0; hour < 3; hour++) {
        world.clock.at += 60 * 60_000;
        expect(await ask(kind, id)).toMatchObject({ is: 'unknown' });
      }
    });
    expect(calls).toEqual({ get: 3 });
  });

  it('is not taken for the end of a capture whatever GET shows', async () => {
    const id = await payment('AUTHORIZED');
    world.gateway.endings.push({ on: 'capture', ends: 'unknown' });
    await ask('capture', id);
    world.gateway.set(id, { state: 'CHECKOUT', externalRefs: { iban: 'DE02 1203 0000 0000 2020 51' } });
    world.clock.at += LEASE_MS;
    expect(await ask('capture', id)).toMatchObject({ is: 'unknown' });
    expect(openOperation(await stored(id))).toMatchObject({ kind: 'capture' });
  });

  it('answers all of what paytech answered, and the record keeps what fits', async () => {
    const id = await payment('CHECKOUT');
    const qr = `data:image/png;base64,${'A'.repeat(20_000)}`;
    const answered = (state: PaymentState, redirectUrl?: string) => ({
      execute: async () => {
        world.gateway.set(id, { state });
        const { facts, ...made } = world.gateway.payments.get(id)!;
        const externalRefs = { qr, pixKey: 'pix-1' };
        return {
          kind: 'answered' as const,
          result: { ...made, ...(redirectUrl && { redirectUrl }), facts: { ...facts, externalRefs } },
        };
      },
    });
    const patched = (how: object) =>
      executePayment({
        act: act({ ...world, ready: async () => {}, gateway: { ...world.gateway, ...how } }),
      })(httpEvent(id), randomUUID(), world.now() + 14_000);
    const url = 'https://acs.example/3ds';
    expect((await patched(answered('CHECKOUT', url))).body).toMatchObject({
      state: 'CHECKOUT',
      redirectUrl: url,
      externalRefs: { qr, pixKey: 'pix-1' },
    });
    expect((await patched(answered('PENDING', url))).body).toMatchObject({
      state: 'PENDING',
      redirectUrl: url,
      externalRefs: { qr, pixKey: 'pix-1' },
    });
    await world.applyQueued();
    expect((await patch(id)).body).toMatchObject({ externalRefs: { pixKey: 'pix-1' } });
    expect((await patch(id)).body).not.toHaveProperty('externalRefs.qr');
  });

  it('sends nobody on whose payment has ended', async () => {
    const id = await payment('CHECKOUT');
    const declines = {
      ...world.gateway,
      execute: async () => {
        world.gateway.set(id, { state: 'DECLINED' });
        const result = { ...world.gateway.payments.get(id)!, redirectUrl: 'https://acs.example/3ds' };
        return { kind: 'answered' as const, result };
      },
    };
    const { body } = await executePayment({
      act: act({ ...world, ready: async () => {}, gateway: declines }),
    })(httpEvent(id), randomUUID(), world.now() + 14_000);
    expect(body).toMatchObject({ state: 'DECLINED' });
    expect(body).not.toHaveProperty('redirectUrl');
  });

  it.each<[PaymentState, string]>([
    ['COMPLETED', 'payment.state_conflict'],
    ['AUTHORIZED', 'payment.state_conflict'],
    ['AWAITING_APPROVAL', 'payment.not_found'],
  ])('of a payment that is %s is %s', async (state, code) => {
    await expect(patch(await payment(state))).rejects.toMatchObject({ code });
  });

  it('of an unknown id is not found, without a call', async () => {
    const calls = await callsDuring(async () => {
      for (const id of ['nobody', 'a'.repeat(32), 'payment#x', '']) {
        await expect(patch(id)).rejects.toMatchObject({ code: 'payment.not_found' });
      }
    });
    expect(calls).toEqual({});
  });

  it('passes on what paytech refuses', async () => {
    const id = await payment('CHECKOUT');
    world.gateway.endings.push({ on: 'execute', ends: 'refused' });
    await expect(patch(id)).rejects.toMatchObject({ code: 'gateway.rejected' });
    expect(await patch(id)).toMatchObject({ status: 200 });
  });

  it('may be done again where it left the deposit to be paid', async () => {
    const id = await payment('CHECKOUT');
    const leaves = {
      ...world.gateway,
      execute: async () => ({ kind: 'answered' as const, result: world.gateway.payments.get(id)! }),
    };
    expect(await ask('execute', id, { deps: { gateway: leaves } })).toMatchObject({ is: 'done' });
    expect(await ask('execute', id)).toMatchObject({ is: 'done' });
    expect(world.gateway.payments.get(id)!.facts.state).toBe('PENDING');
  });
});
