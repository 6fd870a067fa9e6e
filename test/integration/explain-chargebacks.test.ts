import { expect, it } from 'vitest';
import type { Environment } from '../../infra/cli/environment.ts';
import { explain } from '../../infra/cli/explain.ts';
import { orderRoute } from '../support/order-route.ts';
import { chargebackEvent, sharedWorld, webhookEvent } from '../support/world.ts';

/** What `explain` says of a payment that is charged back. */

const world = await sharedWorld();
world.clock.at = Date.now();

async function explained(id: string): Promise<{ timeline: string[]; todo: string[] }> {
  const { table, gateway } = world;
  const environment = { table, gateway, name: 'the test', maxAgeMs: 86_400_000 };
  const { document } = await explain(environment as unknown as Environment, id);
  const [first] = (document as { explanations: { timeline: { text: string }[]; todo: string[] }[] })
    .explanations;
  return { timeline: first!.timeline.map(({ text }) => text), todo: first!.todo };
}

it.each([
  ['OPEN', 'answer the bank through paytech'],
  ['COMPLETED', 'refund nothing of it'],
  ['DECLINED', 'the money stays'],
])('it is %s', async (state, advice) => {
  const { body } = await orderRoute(world).send();
  world.gateway.set(body.id, { state: 'COMPLETED' });
  await world.apply(webhookEvent({ id: body.id, state: 'COMPLETED' }, { source: 'refresh' }));
  await world.apply(chargebackEvent(world, body.id, state === 'OPEN' ? undefined : state));
  const { timeline, todo } = await explained(body.id);
  expect(timeline.at(-1)).toContain(`said that its chargeback is ${state} (version 3)`);
  expect(timeline.filter((text) => text.includes('applied as version 3'))).toEqual([]);
  expect(todo.join(' ')).toContain(advice);
});
