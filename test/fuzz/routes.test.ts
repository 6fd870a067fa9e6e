import type { Context } from 'aws-lambda';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { decimal } from '../../shared/payment/money.ts';
import type { PaymentState, PaymentType } from '../../shared/payment/state.ts';
import { validatorOf } from '../support/openapi.ts';
import { startWorld, type World, webhookEvent } from '../support/world.ts';
import { eventOf } from './event.ts';
import { PLANTED } from './from-schema.ts';
import { type Handlers, handlersOn } from './handlers.ts';
import { inputsFor } from './inputs.ts';
import { document, type FuzzRequest, ROUTES, requestsFor, WITH_TOKEN, WITHOUT_TOKEN } from './requests.ts';

/**
 * Bad input to every route, in process: nothing but documented answers, never a 500, what is refused has changed
 * nothing, and the logs hold nothing of it. paytech has no faults here: all that goes wrong is the input's.
 */

/** Any function would be killed later; what takes so long is an attack that works. */
const MAX_MS = 5_000;
const REFUSED = new Set([400, 401, 404, 413]);

let world: World;
let handlers: Handlers;
let pool: string[];
const logged: string[] = [];
/** How often each route gave each answer. */
const given = new Map<string, number>();
const validate = validatorOf(document);

beforeAll(async () => {
  world = await startWorld();
  world.clock.at = Date.now();
  handlers = handlersOn(world);
  pool = await paymentsInEveryState();
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream);
    vi.spyOn(stream, 'write').mockImplementation((line, ...rest) => {
      if (!String(line).startsWith('{"level"')) return write(line as string, ...(rest as []));
      logged.push(String(line));
      return true;
    });
  }
}, 60_000);
afterAll(async () => {
  vi.restoreAllMocks();
  console.log([...given].map(([answer, times]) => `${answer}: ${times}`).join('\n'));
  await world.stop();
});

const STATES: [PaymentType, PaymentState][] = [
  ['DEPOSIT', 'CHECKOUT'],
  ['DEPOSIT', 'PENDING'],
  ['DEPOSIT', 'AUTHORIZED'],
  ['DEPOSIT', 'COMPLETED'],
  ['DEPOSIT', 'DECLINED'],
  ['WITHDRAWAL', 'AWAITING_APPROVAL'],
  ['WITHDRAWAL', 'COMPLETED'],
];

async function paymentsInEveryState(): Promise<string[]> {
  const ids: string[] = [];
  for (let copy = 0; copy < 6; copy++) {
    for (const [paymentType, state] of STATES) {
      const referenceId = `known-${copy}-${paymentType}-${state}`;
      const { id } = world.gateway.make({ paymentType, referenceId, amount: decimal('10'), currency: 'EUR' });
      world.gateway.set(id, { state });
      await world.apply(webhookEvent({ id, paymentType, state, referenceId }));
      ids.push(id);
    }
  }
  return ids;
}

async function check(request: FuzzRequest, handlerOf = request.route): Promise<void> {
  const before = handlers.changes();
  logged.length = 0;
  const startedAt = performance.now();
  const answer = await handlers.of(handlerOf)(eventOf(request), {} as Context);
  const took = performance.now() - startedAt;

  const status = answer.statusCode ?? 0;
  const text = answer.body ?? '';
  const headers = new Headers(answer.headers as Record<string, string>);
  given.set(`${handlerOf} ${status}`, (given.get(`${handlerOf} ${status}`) ?? 0) + 1);
  expect(status, `${text}\n${logged}`).toBeLessThan(500);
  expect(validate.answer(request.route, { status, headers, text }), text.slice(0, 500)).toBeUndefined();
  if (REFUSED.has(status)) expect(handlers.changes(), `${status} changed something`).toEqual(before);
  expect(logged.join(), 'the log').not.toContain(PLANTED);
  expect(took, 'milliseconds').toBeLessThan(MAX_MS);
}

describe.each(ROUTES.filter((route) => !route.includes('/webhooks/')))('%s', (route) => {
  it('answers bad input as documented and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(
        requestsFor(route, pool, route === 'POST /payments' ? WITHOUT_TOKEN : undefined),
        (request) => check(request),
      ),
      inputsFor(route),
    );
  });
});

it('POST /payments with an order token answers bad input as documented and nothing else', async () => {
  const route = 'POST /payments';
  await fc.assert(
    fc.asyncProperty(requestsFor(route, pool, WITH_TOKEN), (request) =>
      check(request, 'POST /payments with a token'),
    ),
    inputsFor(route),
  );
});
