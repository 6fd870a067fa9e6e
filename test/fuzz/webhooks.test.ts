import type { Context, SQSRecord } from 'aws-lambda';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { LOCAL_KEYS } from '../../infra/local/account.ts';
import { openEventQueue } from '../../shared/messaging/event-queue.ts';
import { decimal } from '../../shared/payment/money.ts';
import { PAYMENT_STATES, PAYMENT_TYPES } from '../../shared/payment/state.ts';
import { sign } from '../../shared/paytech/signature.ts';
import { keyOf } from '../../shared/store/payment-item.ts';
import { validatorOf } from '../support/openapi.ts';
import { objectBytes, paymentId, startWorld, type World } from '../support/world.ts';
import { eventOf } from './event.ts';
import { PLANTED } from './from-schema.ts';
import { type Handlers, handlersOn } from './handlers.ts';
import { inputsFor } from './inputs.ts';
import { RawText } from './json-text.ts';
import { bodies, document, type FuzzRequest } from './requests.ts';

/**
 * Bad webhooks, before and behind the signature. Before it: refused and nothing else. Behind it, where paytech's key
 * vouches for any bytes: each comes to an end, and stops nobody else's.
 */

const ROUTE = 'POST /webhooks/paytech';
const MAX_MS = 5_000;
/**
 * paytech does not know the payment either, or a refund waits for the end of its deposit: such a message comes again
 * until its queue sets it aside.
 */
const WAITS = /paytech could not be asked|which is not COMPLETED here/;
const NOT_PROCESSED = /^event not processed$/;
/** A message that waits for another one's question to paytech is processed when it comes again. */
const DELIVERIES = 5;
/** Bad webhooks in one batch, more or less. */
const AT_ONCE = 3;

let world: World;
let handlers: Handlers;
let pool: string[];
const validate = validatorOf(document);

beforeAll(async () => {
  world = await startWorld();
  world.clock.at = Date.now();
  handlers = handlersOn(world);
  vi.spyOn(handlers.logger, 'info').mockImplementation(() => {});
  vi.spyOn(handlers.logger, 'warn').mockImplementation(() => {});
  vi.spyOn(handlers.logger, 'error').mockImplementation(() => {});
  pool = Array.from({ length: 200 }, (_, index) => {
    const paymentType = PAYMENT_TYPES[index % 2]!;
    const made = world.gateway.make({
      paymentType,
      referenceId: `known-${index}`,
      amount: decimal('10'),
      currency: 'EUR',
    });
    world.gateway.set(made.id, {
      state: (['COMPLETED', 'DECLINED', 'CHECKOUT', 'PENDING'] as const)[index % 4]!,
    });
    return made.id;
  });
});
afterAll(async () => {
  vi.restoreAllMocks();
  await world.stop();
});

const AMOUNTS = ['10', '10.00', '0', '11.12', '999999999.123456789012345678', '1e2'].map(
  (text) => new RawText(text),
);
const texts = fc.dictionary(fc.string({ maxLength: 8 }), fc.string({ unit: 'binary', maxLength: 20 }), {
  maxKeys: 3,
});

/** What paytech might say, with customer data in it. */
function paymentObject(known: readonly string[]): fc.Arbitrary<unknown> {
  return fc.record(
    {
      id: fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom(...known) },
        { weight: 1, arbitrary: fc.stringMatching(/^[a-f0-9]{32}$/) },
      ),
      state: fc.constantFrom(...PAYMENT_STATES),
      paymentType: fc.constantFrom(...PAYMENT_TYPES),
      amount: fc.constantFrom(...AMOUNTS),
      currency: fc.constantFrom('EUR', 'USD'),
      customerAmount: fc.constantFrom(...AMOUNTS),
      customerCurrency: fc.constantFrom('EUR', 'USD'),
      referenceId: fc.constantFrom('known-1', 'known-1~2', 'known-2~x', 'order-~', 'x'),
      parentPaymentId: fc.constantFrom(...known),
      created: fc.constantFrom('2026-11-23T12:00:00', 'yesterday', '+275760-09-13T00:00:00.001Z'),
      redirectUrl: fc.string({ unit: 'binary', maxLength: 60 }),
      paymentMethod: fc.string({ unit: 'binary', maxLength: 20 }),
      externalRefs: texts,
      errorCode: fc.constantFrom('4.01', '', '6.66'),
      errorMessage: fc.string({ unit: 'binary', maxLength: 40 }),
      description: fc.constant(PLANTED),
      customer: fc.constant({ firstName: PLANTED, email: `${PLANTED}@example.com` }),
      paymentMethodDetails: fc.record({
        customerAccountNumber: fc.constant(`${PLANTED}${PLANTED}`),
        cardholderName: fc.constant(PLANTED),
        cardBrand: fc.string({ unit: 'binary', maxLength: 10 }),
      }),
    },
    { requiredKeys: ['id', 'state'] },
  );
}

it('a webhook that nobody signed is refused and nothing else, whatever it is', async () => {
  const signature = fc.oneof(
    fc.constantFrom('', 'none', '0'.repeat(64), 'x'.repeat(10_000), '{}', '\u0000'),
    fc.string({ unit: 'binary', maxLength: 90 }),
    fc.constant('right, right'),
    fc.constant('of other bytes'),
  );
  const contentType = fc.constantFrom('application/json', 'text/plain', '');
  const request = fc.record({
    route: fc.constant(ROUTE),
    at: fc.constant({}),
    query: fc.constant({}),
    body: bodies(paymentObject(pool)),
    contentType,
    encoding: fc.constantFrom('text' as const, 'base64' as const, 'lied' as const),
  });
  await fc.assert(
    fc.asyncProperty(request, signature, async (request: FuzzRequest, signature) => {
      const before = handlers.changes();
      const right = sign(request.body, LOCAL_KEYS.signingKey);
      const made = new Map([
        ['right, right', `${right},${right}`],
        ['of other bytes', sign(Buffer.from('x'), LOCAL_KEYS.signingKey)],
      ]);
      const sent = made.get(signature) ?? signature;
      const answer = await handlers.of(ROUTE)(eventOf(request, { Signature: sent }), {} as Context);
      const status = answer.statusCode ?? 0;
      const headers = new Headers(answer.headers as Record<string, string>);
      expect([401, 413]).toContain(status);
      expect(validate.answer(ROUTE, { status, headers, text: answer.body ?? '' })).toBeUndefined();
      expect(handlers.changes()).toEqual(before);
    }),
    inputsFor(ROUTE),
  );
});

it('a signed webhook comes to an end and stops no other, whatever it is', async () => {
  const messages: SQSRecord[] = [];
  const queue = openEventQueue('https://queue.example', {
    sendMessage: async ({ MessageBody = '', MessageAttributes = {} }) => {
      const attributes = Object.entries(MessageAttributes).map(([name, { StringValue = '' }]) => [
        name,
        { stringValue: StringValue, dataType: 'String' },
      ]);
      messages.push({
        messageId: String(messages.length),
        body: MessageBody,
        messageAttributes: Object.fromEntries(attributes),
      } as SQSRecord);
    },
  });
  const enqueue = (bytes: Buffer) =>
    queue.send({ bytes, source: 'webhook', receivedAt: new Date(world.clock.at).toISOString() });

  await fc.assert(
    fc.asyncProperty(
      fc.array(bodies(paymentObject(pool)), { minLength: AT_ONCE - 1, maxLength: AT_ONCE + 1 }),
      async (poison) => {
        messages.length = 0;
        world.logger.lines.length = 0;
        world.clock.at += 60_000;
        const sound = paidAtPaytech();
        for (const bytes of poison) await enqueue(bytes);
        await enqueue(
          objectBytes({
            id: sound,
            state: 'COMPLETED',
            paymentType: 'DEPOSIT',
            amount: '10',
            currency: 'EUR',
          }),
        );
        const startedAt = performance.now();
        const left = await deliver(messages);
        const took = performance.now() - startedAt;

        expect(left.filter((reason) => !WAITS.test(reason))).toEqual([]);
        const ended = linesOf(/^(event processed|message parked)$/);
        expect(ended.length + left.length).toBe(messages.length);
        expect(await world.table.get(keyOf(sound))).toMatchObject({ state: 'COMPLETED' });
        expect(JSON.stringify(world.logger.lines)).not.toContain(PLANTED);
        for (const id of idsIn(world)) {
          expect(JSON.stringify(await world.table.get(keyOf(id))) ?? '').not.toContain(PLANTED);
        }
        expect(took, 'milliseconds').toBeLessThan(MAX_MS);
      },
    ),
    // What came before matters here, so that shrinking finds nothing.
    { ...inputsFor('webhooks behind the signature', AT_ONCE), endOnFailure: true },
  );
});

function paidAtPaytech(): string {
  const referenceId = `sound-${paymentId()}`;
  const money = { amount: decimal('10'), currency: 'EUR' };
  const { id } = world.gateway.make({ paymentType: 'DEPOSIT', referenceId, ...money });
  world.gateway.set(id, { state: 'COMPLETED' });
  return id;
}

/** Until none comes back, as the queue does it; answers why the last that did could not be processed. */
async function deliver(messages: readonly SQSRecord[]): Promise<string[]> {
  let remaining = messages;
  let reasons: string[] = [];
  for (let time = 1; remaining.length > 0 && time <= DELIVERIES; time++) {
    const earlier = linesOf(NOT_PROCESSED).length;
    const { batchItemFailures } = await world.applyBatch(remaining);
    const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    remaining = remaining.filter(({ messageId }) => failed.has(messageId));
    reasons = linesOf(NOT_PROCESSED)
      .slice(earlier)
      .map(({ more }) => String(more.error));
    expect(reasons).toHaveLength(remaining.length);
    world.clock.at += 60_000;
  }
  return reasons;
}

const linesOf = (what: RegExp) => world.logger.lines.filter(({ message }) => what.test(message));

function idsIn({ logger }: World): string[] {
  return logger.lines.map(({ more }) => more.paymentId).filter((id) => typeof id === 'string');
}
