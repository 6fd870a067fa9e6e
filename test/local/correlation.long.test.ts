import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type LocalRunService, startLocalService } from '../support/service.ts';

/** One request can be followed in the logs, over the queue, to the id of the event that subscribers receive. */

let service: LocalRunService;
beforeAll(async () => {
  service = await startLocalService();
});
afterAll(() => service.stop());

// biome-ignore lint/suspicious/noExplicitAny: log lines are JSON of any shape
type Line = any;

const lines = (message: string): Line[] =>
  service.logs
    .filter((each) => each.includes(`"${message}"`))
    .map((each) => JSON.parse(each.replace(/^\S+ /, '')));

async function created(): Promise<string> {
  const order = { referenceId: `order-${randomUUID()}`, amount: 10, currency: 'EUR' };
  const answer = await service.api('POST', '/payments', JSON.stringify(order));
  expect(answer.status, answer.text).toBe(201);
  return answer.json().id as unknown as string;
}

async function processed(paymentId: string): Promise<Line> {
  return vi.waitFor(
    () => {
      const line = lines('event processed').find((each) => each.paymentId === paymentId);
      expect(line).toBeDefined();
      return line;
    },
    { timeout: 10_000 },
  );
}

it('from a webhook to its event', async () => {
  const id = await created();
  const event = { id, paymentType: 'DEPOSIT', state: 'COMPLETED', amount: 10, currency: 'EUR' };
  expect((await service.webhook(JSON.stringify(event))).status).toBe(200);
  const { requestId, eventId, service: applied } = await processed(id);
  expect(applied).toBe('apply-payment-event');
  const [received] = lines('webhook queued').filter((each) => each.requestId === requestId);
  expect(received.service).toBe('receive-webhook');
  const [published] = await vi.waitFor(async () => {
    const events = await service.eventsOf(id);
    expect(events).toHaveLength(1);
    return events;
  });
  expect(JSON.parse(published!.body).id).toBe(eventId);
});

it('from a message that could not be understood back to its request', async () => {
  expect((await service.webhook('not json')).status).toBe(200);
  const parked = await vi.waitFor(
    () => {
      const [line] = lines('message parked');
      expect(line).toBeDefined();
      return line;
    },
    { timeout: 10_000 },
  );
  expect(parked).toMatchObject({ metric: 'MessageParked', MessageParked: 1, service: 'apply-payment-event' });
  expect(lines('webhook queued').map(({ requestId }) => requestId)).toContain(parked.requestId);
});
