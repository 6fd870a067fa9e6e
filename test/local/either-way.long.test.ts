import { randomUUID } from 'node:crypto';
import { GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { AHEAD_INTERVAL_MS } from '../../shared/payment/schedule.ts';
import { MINUTE_MS } from '../../shared/runtime/time.ts';
import { type LocalRunService, startLocalService } from '../support/service.ts';

/**
 * No webhook comes, and of paytech's list and its GET one answers nothing, for good: a payment that was paid is COMPLETED
 * here, and subscribers hear of it, although nobody asks for it. The minutes that pass meanwhile are written into the
 * table; everything else is as it runs.
 */

let service: LocalRunService;
beforeAll(async () => {
  service = await startLocalService({ settings: { webhookGraceSeconds: 1 } });
}, 240_000);
afterAll(() => service.stop());

const fault = async (on: string, kind: string) => {
  const answer = await service.simulator('POST', '/simulator/faults', { on, kind, times: 'always' });
  expect(answer.status).toBe(200);
};

const update = (pk: string, expression: string, values: Record<string, { N: string }>, names = {}) =>
  service.dynamo.send(
    new UpdateItemCommand({
      TableName: 'payments',
      Key: { pk: { S: pk } },
      UpdateExpression: expression,
      ExpressionAttributeValues: values,
      ...(Object.keys(names).length > 0 && { ExpressionAttributeNames: names }),
    }),
  );

/** As if so long had passed since the payment was made and the list was compared. */
async function pass(milliseconds: number, id: string): Promise<void> {
  const pk = `payment#${id}`;
  const { Item } = await service.dynamo.send(
    new GetItemCommand({ TableName: 'payments', Key: { pk: { S: pk } } }),
  );
  const ago = (at: number) => ({ N: String(at - milliseconds) });
  await update(pk, 'SET dueAt = :earlier', { ':earlier': ago(Number(Item!.dueAt!.N)) });
  await update(
    'sweep#mark',
    'SET #at = :earlier REMOVE revision',
    { ':earlier': ago(Date.now()) },
    {
      '#at': 'at',
    },
  );
}

it.each(['list', 'get'])('with webhooks lost and %s down for good', { timeout: 120_000 }, async (down) => {
  await service.simulator('DELETE', '/simulator/faults');
  await service.invoke('reconcile', {});
  const order = { referenceId: `order-${randomUUID()}`, amount: '10', currency: 'EUR' };
  const created = await service.api('POST', '/payments', JSON.stringify(order));
  const id = String(created.json().id);
  await fault('webhook', 'drop');
  await fault(down, '500');
  await service.simulator('POST', `/simulator/payments/${id}/pay`, { state: 'COMPLETED' });
  await pass(AHEAD_INTERVAL_MS + MINUTE_MS, id);

  // As the schedule does, but at once when the last has ended; with the list down that goes on to the end of its minute.
  let isRunning = false;
  const run = () => {
    if (isRunning) return;
    isRunning = true;
    const ended = () => {
      isRunning = false;
    };
    service.invoke('reconcile', {}).then(ended, ended);
  };
  const events = await vi.waitFor(
    async () => {
      run();
      const all = await service.eventsOf(id);
      expect(all).not.toEqual([]);
      return all.map(({ body }) => JSON.parse(body));
    },
    { timeout: 60_000, interval: 500 },
  );
  expect(events).toMatchObject([{ type: 'paytech.payment.completed', data: { version: 2 } }]);
  expect(await service.item(`payment#${id}`)).toMatchObject({ state: 'COMPLETED' });
});
