import { randomUUID } from 'node:crypto';
import { expect, it, vi } from 'vitest';
import { sharedService } from '../support/service.ts';

/** What takes as long as paytech may take to answer. */

const service = await sharedService();

const createdUnder = async (referenceId: string) => {
  const requests = JSON.parse((await service.simulator('GET', '/simulator/requests')).text);
  return requests.filter(
    (each: { method: string; body: { referenceId?: string } | null }) =>
      each.method === 'POST' && each.body?.referenceId === referenceId,
  );
};

it('answers with the one payment that exists when the answer to create was lost', async () => {
  await service.simulator('POST', '/simulator/faults', {
    on: 'create',
    kind: 'timeout-after-accept',
    times: 1,
  });
  const referenceId = `order-${randomUUID()}`;
  const request = JSON.stringify({ referenceId, amount: 10, currency: 'EUR' });
  const pending = service.api('POST', '/payments', request);
  await vi.waitFor(async () => expect(await service.item(`deposit#${referenceId}`)).toBeDefined());
  const meanwhile = await service.api('POST', '/payments', request);
  expect(meanwhile.status).toBe(409);
  expect(meanwhile.json().code).toBe('payment.in_progress');
  const slow = await pending;
  expect(slow.status, slow.text).toBe(201);
  expect(slow.json().redirectUrl).toContain('/checkout/');
  const again = await service.api('POST', '/payments', request);
  expect(again.json().id).toBe(slow.json().id);
  expect(await createdUnder(referenceId)).toHaveLength(1);
});

it.each(['timeout', 'reset', 'html', '500'])(
  'makes the payment within 30 s of trying again after %s',
  async (kind) => {
    await service.simulator('POST', '/simulator/faults', { on: 'create', kind, times: 1 });
    const referenceId = `order-${randomUUID()}`;
    const request = JSON.stringify({ referenceId, amount: 10, currency: 'EUR' });
    const made = await vi.waitFor(
      async () => {
        const answer = await service.api('POST', '/payments', request);
        expect(answer.status, answer.text).toBe(201);
        return answer;
      },
      { timeout: 40_000, interval: 1_000 },
    );
    expect(made.json().redirectUrl).toContain('/checkout/');
    const [attempt] = await createdUnder(`${referenceId}~2`);
    expect(attempt).toBeDefined();
  },
);
