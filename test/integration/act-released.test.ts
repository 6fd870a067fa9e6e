import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { resolveRoute } from '../../functions/operations/claims.ts';
import { releaseAction } from '../../shared/calls/release.ts';
import { resolveClaim } from '../../shared/calls/resolve.ts';
import { RELEASE_AFTER_MS } from '../../shared/payment/action.ts';
import { releaseOperation } from '../../shared/store/operation-lock.ts';
import { actingIn, CALLER, httpEvent } from '../support/acting.ts';
import { sharedWorld } from '../support/world.ts';

const world = await sharedWorld();
const { payment, ask } = actingIn(world);
const { stored } = world;

describe('an operator', () => {
  const release = (id: string) => releaseAction(world)(id, 'ada', 'paytech says it never arrived');

  it('releases what is certainly not going to happen, and it can be asked for again', async () => {
    const id = await payment('AUTHORIZED');
    world.gateway.endings.push({ on: 'capture', ends: 'unknown' });
    await ask('capture', id);
    expect(await release(id)).toEqual({ is: 'too-early', seconds: RELEASE_AFTER_MS / 1000 });
    world.clock.at += RELEASE_AFTER_MS;
    expect(await release(id)).toMatchObject({
      is: 'released',
      record: { operations: [{ released: { by: 'ada', why: 'paytech says it never arrived' } }] },
    });
    expect(await release(id)).toMatchObject({ is: 'not-open' });
    expect(await ask('capture', id)).toMatchObject({ is: 'done' });
    await world.applyQueued();
    expect((await stored(id)).operations).toHaveLength(2);
  });

  it('finds out first whether it did happen', async () => {
    const id = await payment('AUTHORIZED');
    world.gateway.endings.push({ on: 'capture', ends: 'unknown' });
    await ask('capture', id);
    world.clock.at += RELEASE_AFTER_MS;
    world.gateway.endings.push({ on: 'get', ends: 'unknown' });
    expect(await release(id)).toEqual({ is: 'unavailable' });
    world.gateway.set(id, { state: 'COMPLETED' });
    const result = await release(id);
    expect(result).toMatchObject({ is: 'moved', record: { heard: { facts: { state: 'COMPLETED' } } } });
    await world.applyQueued();
    expect(await stored(id)).toMatchObject({ state: 'COMPLETED' });
  });

  it('releases nothing that is not open', async () => {
    const id = await payment('AUTHORIZED');
    const later = world.now() + 2 * RELEASE_AFTER_MS;
    expect(await releaseOperation(world.table, id, 'ada', 'why', later)).toMatchObject({ is: 'not-open' });
    expect(await releaseOperation(world.table, 'nobody', 'ada', 'why', later)).toMatchObject({
      is: 'not-open',
    });
  });
});

describe('POST /operations/claims/resolve of an operation', () => {
  const resolve = (id: string, body: object) =>
    resolveRoute({ resolve: resolveClaim(world), release: releaseAction(world) })(
      httpEvent('', JSON.stringify({ kind: 'operation', id, ...body })),
      { caller: CALLER, owner: randomUUID(), deadline: world.now() + 14_000 },
    );
  const decision = { outcome: 'not-sent', reason: 'paytech support: it never arrived' };

  async function lost(): Promise<string> {
    const id = await payment('AUTHORIZED');
    world.gateway.endings.push({ on: 'capture', ends: 'unknown' });
    await ask('capture', id);
    world.clock.at += RELEASE_AFTER_MS;
    return id;
  }

  it('releases, and keeps who and why', async () => {
    const id = await lost();
    expect(await resolve(id, decision)).toEqual({
      status: 200,
      body: { kind: 'operation', id, result: 'released' },
    });
    expect((await stored(id)).operations[0]?.released).toEqual({
      at: new Date(world.now()).toISOString(),
      by: CALLER,
      why: decision.reason,
    });
    await expect(resolve(id, decision)).rejects.toMatchObject({ code: 'claim.not_flagged' });
  });

  it('adopts what paytech shows', async () => {
    const id = await lost();
    world.gateway.set(id, { state: 'COMPLETED' });
    expect(await resolve(id, decision)).toMatchObject({
      status: 200,
      body: { result: 'adopted', payment: { id, state: 'COMPLETED' } },
    });
  });

  it('refuses what it cannot act on', async () => {
    const id = await lost();
    const code = (code: string) => expect.objectContaining({ code });
    await expect(resolve(id, { ...decision, outcome: 'sent' })).rejects.toEqual(code('request.invalid'));
    await expect(resolve(id, { outcome: 'not-sent' })).rejects.toEqual(code('request.invalid'));
    for (const [field, value] of Object.entries({ paymentId: id, notPaymentIds: [id], id: 'order/1' })) {
      await expect(resolve(id, { ...decision, [field]: value })).rejects.toMatchObject({
        code: 'request.invalid',
        errors: [{ field }],
      });
    }
    await expect(resolve('nobody', decision)).rejects.toEqual(code('payment.not_found'));
    world.gateway.endings.push({ on: 'get', ends: 'unknown' });
    await expect(resolve(id, decision)).rejects.toEqual(code('gateway.unavailable'));
  });
});
