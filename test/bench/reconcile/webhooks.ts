import type { QueuedEvent } from '../../../shared/messaging/event-queue.ts';
import { stringifyJson } from '../../../shared/payment/json.ts';
import { SECOND_MS } from '../../../shared/runtime/time.ts';
import { chanceOf } from './chance.ts';
import { MONEY, SIGNATURE, TOLD } from './items.ts';
import { idOf, type Population } from './population.ts';
import type { World } from './simulation.ts';

/** The webhooks of paytech: which come, when, and what they say. */

const WITHIN_MS = 3 * SECOND_MS;
const IS_MISSING = 3;
const AFTER = 4;

export function isMissing({ plan, population, start }: World, payment: number): boolean {
  const isOfOutage = population.endsAt(payment) < start;
  return isOfOutage || chanceOf(plan.seed, payment, IS_MISSING) < plan.missing;
}

/** When the webhook of a payment's end comes, in epoch milliseconds. */
export function webhookAt({ plan, population }: Pick<World, 'plan' | 'population'>, payment: number): number {
  return population.endsAt(payment) + Math.ceil(WITHIN_MS * chanceOf(plan.seed, payment, AFTER));
}

export function webhookOf(population: Population, payment: number, at: number): QueuedEvent {
  const { account: customerAccountNumber, cardBrand, country: cardIssuingCountryCode, ...told } = TOLD;
  const object = {
    id: idOf(payment),
    referenceId: `order-${payment}`,
    paymentType: 'DEPOSIT',
    state: population.isPaid(payment) ? 'COMPLETED' : 'CANCELLED',
    ...MONEY,
    ...told,
    paymentMethodDetails: { customerAccountNumber, cardBrand, cardIssuingCountryCode },
  };
  return {
    bytes: Buffer.from(stringifyJson(object)),
    source: 'webhook',
    receivedAt: new Date(at).toISOString(),
    signature: SIGNATURE,
  };
}
