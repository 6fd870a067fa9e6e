import { beforeEach } from 'vitest';
import type { Outcome } from '../../functions/apply-payment-event/pipeline.ts';
import { recorded } from './recorded.ts';
import { sharedWorld } from './world.ts';

/** A world for all tests of a file about events, whose other queues are empty as well when a test begins. */
export async function applyingWorld() {
  const world = await sharedWorld();
  beforeEach(async () => {
    await world.drain('webhooks-dlq');
    await world.drain('payment-events');
  });
  /** A deposit of 10 EUR as create-payment records it, known to paytech as well; its id. */
  const deposit = (fields: { amount?: string; currency?: string; referenceId?: string } = {}) =>
    recorded(world, { referenceId: 'order-1', redirectUrl: 'https://checkout.example', ...fields });
  return { world, deposit, stored: world.stored };
}

export const outcomeOf = ({ outcome, publication }: Outcome) => [outcome, publication?.id];
