/** What a fact's entry in the table says is what becomes of it, by every way that it can come. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { actedView, fullView, listedView } from '../../shared/http/payment-view.ts';
import { publicationOf } from '../../shared/payment/cloud-event.ts';
import { EVENT_FACT_NAMES, FACT_NAMES, FACTS, type FactName, keptFacts } from '../../shared/payment/facts.ts';
import { stringifyJson } from '../../shared/payment/json.ts';
import { EVENT_SOURCES, type HistoryEntry } from '../../shared/payment/payment.ts';
import { pick } from '../../shared/payment/pick.ts';
import { PAYMENT_STATES } from '../../shared/payment/state.ts';
import { PATHS } from '../../shared/paytech/fact-paths.ts';
import { readPayment, writePayment } from '../../shared/paytech/wire.ts';
import { amounts, created, recordWith } from './examples.ts';

/** Texts name their fact, so that they are found wherever they come to. */
const valuesOf = (name: FactName) => {
  const text = fc.stringMatching(/^[a-z]{1,9}$/).map((more) => `${name}:${more}`);
  const texts = fc.dictionary(text, text, { minKeys: 1, noNullPrototype: true });
  return { text, money: amounts, texts }[FACTS[name].kind] as fc.Arbitrary<unknown>;
};

/** Some of the facts, as paytech's object has them. */
const reported = fc
  .record(Object.fromEntries(FACT_NAMES.map((name) => [name, valuesOf(name)])), {
    requiredKeys: [],
    noNullPrototype: true,
  })
  .map((values) => {
    const object: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(values)) {
      const [member, inner] = PATHS[name as FactName];
      const before = object[member] as object | undefined;
      object[member] = inner === undefined ? value : { ...before, [inner]: value };
    }
    return { names: Object.keys(values) as FactName[], object };
  });

const sources = fc.constantFrom(...EVENT_SOURCES);
const states = fc.constantFrom(...PAYMENT_STATES);

/** By webhook a payment comes as its bytes are, by every other way as this service has written it for its queue. */
function readFrom(source: HistoryEntry['source'], object: object) {
  const payment = readPayment(Buffer.from(stringifyJson(object)));
  return source === 'webhook' ? payment : readPayment(writePayment(payment));
}

const sorted = (names: readonly string[]) => [...names].sort();
const factsOf = (said: object) => sorted(Object.keys(pick(said as Record<FactName, unknown>, FACT_NAMES)));

describe('a fact that paytech reports', () => {
  test('is read, comes to the record and to the back office, and to subscribers where its entry says so', () => {
    fc.assert(
      fc.property(reported, sources, states, ({ names, object }, source, state) => {
        const payment = readFrom(source, { id: 'p1', state, ...object });
        const { facts } = payment;
        expect(factsOf(facts)).toEqual(sorted(names));

        const record = recordWith([created, { at: created.at, source, facts }]);
        const shown = sorted([...new Set([...names, 'paymentMethod'])]);
        expect(factsOf(actedView(record))).toEqual(shown);
        expect(factsOf(fullView(record, undefined, [], 0).history[1]!.facts)).toEqual(sorted(names));
        expect(factsOf(listedView(payment))).toEqual(sorted(names));

        const { body, attributes } = publicationOf(record, 2, 'urn:x');
        const published = shown.filter((name) => EVENT_FACT_NAMES.some((each) => each === name));
        expect(factsOf(JSON.parse(body).data.payment)).toEqual(published);
        const kept = names.filter((name) => !FACTS[name].inEvents);
        for (const name of kept) expect(body + JSON.stringify(attributes)).not.toContain(`${name}:`);
      }),
    );
  });
});

test('every fact has a place of its own in paytech’s object', () => {
  const others = ['id', 'state', 'paymentType', 'amount', 'currency', 'customerAmount', 'customerCurrency'];
  const identity = ['referenceId', 'parentPaymentId', 'created', 'redirectUrl'];
  const places = [...others, ...identity, ...Object.values(PATHS).map((path) => path.join('.'))];
  expect(new Set(places).size).toBe(places.length);
});

test('what does not fit is not kept', () => {
  const externalRefs = { qr: 'x'.repeat(20_000) };
  expect(keptFacts({ errorCode: '4.01', externalRefs })).toEqual({ errorCode: '4.01' });
  expect(keptFacts({ externalRefs: { ...externalRefs, key: 'PIX' } })).toEqual({
    externalRefs: { key: 'PIX' },
  });
});
