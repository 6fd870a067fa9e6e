import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { openStorefront, PaymentError } from '../../shared/storefront/paytech-storefront.js';
import { sharedService } from '../support/service.ts';

/** The module for storefronts against the running service; frames are tested in a browser. */

const service = await sharedService();
beforeEach(() => service.clearFaults());

const order = (amount = '11.12') => ({
  referenceId: `order-${crypto.randomUUID()}`,
  amount,
  currency: 'EUR',
});
const drive = (id: string, move: object) => service.simulator('POST', `/simulator/payments/${id}/pay`, move);
const fault = (on: string, kind: string, times = 1) =>
  service.simulator('POST', '/simulator/faults', { on, kind, times });
const madeAtPaytech = async (reference: string) =>
  (
    JSON.parse((await service.simulator('GET', '/simulator/payments')).text) as { referenceId: string }[]
  ).filter(({ referenceId }) => referenceId === reference).length;

describe('the storefront module', () => {
  it('creates a payment and waits for its end, reporting each change once', async () => {
    const storefront = openStorefront(service.apiUrl);
    const { id, redirectUrl, state } = await storefront.create(order());
    expect({ redirectUrl, state }).toEqual({
      redirectUrl: `${service.simulatorUrl}/checkout/${id}`,
      state: 'CHECKOUT',
    });
    const seen: string[] = [];
    const final = await storefront.waitForFinal(id, {
      onUpdate(payment) {
        seen.push(payment.state);
        if (seen.length === 1) drive(id, { state: 'COMPLETED' });
      },
    });
    expect(final).toMatchObject({ state: 'COMPLETED', final: true, amount: '11.12', paidAsRequested: true });
    expect(seen).toEqual(['CHECKOUT', 'COMPLETED']);
  });

  it('keeps every digit of an amount', async () => {
    const storefront = openStorefront(service.apiUrl);
    const amount = '999999999.123456789012345678';
    const { id, amount: created } = await storefront.create(order(amount));
    expect([created, (await storefront.get(id)).amount]).toEqual([amount, amount]);
  });

  it('sends again what nobody answered, and makes one payment', async () => {
    await fault('create', '429', 1);
    const wanted = order();
    const { id } = await openStorefront(service.apiUrl).create(wanted);
    expect((await openStorefront(service.apiUrl).create(wanted)).id).toBe(id);
    expect(await madeAtPaytech(wanted.referenceId)).toBe(1);
  });

  it('gives up when its time is over, and says that trying again may help', async () => {
    await fault('create', '429', 5);
    const once = openStorefront(service.apiUrl, { patienceMs: 0 });
    const error = await once.create(order()).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(PaymentError);
    expect(error).toMatchObject({ status: 503, code: 'gateway.unavailable', mayRetry: true });
    expect((error as PaymentError).retryAfterMs).toBeGreaterThan(0);
  });

  it('does not repeat what is wrong', async () => {
    const error = await openStorefront(service.apiUrl)
      .create(order('-1'))
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ status: 400, code: 'request.invalid', mayRetry: false });
    expect((error as PaymentError).errors).toEqual([expect.objectContaining({ field: 'amount' })]);
    await expect(openStorefront(service.apiUrl).waitForFinal('nobody')).rejects.toMatchObject({
      status: 404,
    });
  });

  it('reports a network that is not there', async () => {
    const nowhere = openStorefront('http://127.0.0.1:1', { patienceMs: 0 });
    await expect(nowhere.get('x')).rejects.toMatchObject({ status: 0, mayRetry: true });
  });

  it('stops when it is asked to', async () => {
    const storefront = openStorefront(service.apiUrl);
    const { id } = await storefront.create(order());
    const leaving = new AbortController();
    const waited = storefront.waitForFinal(id, {
      signal: leaving.signal,
      onUpdate: () => leaving.abort(new Error('the customer left')),
    });
    await expect(waited).rejects.toThrow('the customer left');
  });

  it('executes a payment host-to-host and shows its instructions', async () => {
    const storefront = openStorefront(service.apiUrl);
    const { id } = await storefront.create({ ...order(), paymentMethod: 'BANKTRANSFER' });
    const payment = await storefront.execute(id);
    expect(payment.externalRefs).toMatchObject({ reference: expect.any(String) });
  });

  it('is under 3 KB, without dependencies', async () => {
    const source = await readFile(join(import.meta.dirname, '../../shared/storefront/paytech-storefront.js'));
    expect(gzipSync(source, { level: 9 }).length).toBeLessThan(3_000);
    expect(source.toString()).not.toMatch(/^import |\brequire\(|await import\(/m);
  });
});
