import { describe, expect, test } from 'vitest';
import {
  CALL_LIMIT_MS,
  CLAIM_KINDS,
  type Claim,
  type ClaimedRequest,
  type ClaimKind,
  counts,
  isClaimKind,
  KIND_OF,
  LEASE_MS,
  LEASE_NEEDED_TO_CALL_MS,
  MAX_SIBLINGS,
  mayTry,
  nextLookAt,
  nextStep,
  paymentsOf,
  type Resolution,
  sameRequest,
  TYPE_OF_KIND,
  withPayment,
} from '../../shared/payment/claim.ts';
import { decimal } from '../../shared/payment/money.ts';
import { PAYMENT_TYPES } from '../../shared/payment/state.ts';
import { claim, LEASE_ENDS, request, SENT_AT } from '../support/claims.ts';

const otherRequests: [what: string, request: ClaimedRequest][] = [
  ['amount', { ...request, amount: decimal('11.120000000000000001') }],
  ['currency', { ...request, currency: 'USD' }],
  ['preAuth', { ...request, preAuth: true }],
  ['parentPaymentId', { ...request, parentPaymentId: 'p0' }],
  ['fingerprint', { ...request, fingerprint: 'f0' }],
];

/* The rows of the table at `ClaimStage`, one by one. */

describe('no claim', () => {
  test('is claimed as attempt 1', () => {
    expect(nextStep(undefined, request, SENT_AT)).toEqual({ do: 'send', attempt: 1 });
  });
});

describe('reserving', () => {
  const reserving = claim({ kind: 'refund', stage: 'reserving', turn: 7 });

  test('is in progress while the lease lives, and the same attempt is anyone’s after it', () => {
    expect(nextStep(reserving, request, SENT_AT)).toEqual({ do: 'wait', seconds: 2, because: 'in-progress' });
    expect(nextStep(reserving, request, LEASE_ENDS - 1)).toMatchObject({ do: 'wait' });
    expect(nextStep(reserving, request, LEASE_ENDS)).toEqual({ do: 'send', attempt: 3 });
  });

  test.each(otherRequests)('another %s is a conflict', (_, other) => {
    expect(nextStep(reserving, other, LEASE_ENDS)).toEqual({ do: 'refuse', because: 'conflict' });
  });
});

describe('released after a person’s decision', () => {
  const turnedUp = { stage: 'released', earlierPaymentIds: ['p1', 'p2'] } as const;

  test('is sent: that no earlier one stands in the way was looked at before', () => {
    const found = claim({ ...turnedUp, earlierPaymentIds: ['p1', 'p2'] });
    expect(nextStep(found, request, LEASE_ENDS)).toEqual({ do: 'send', attempt: 3 });
  });
});

describe('sent', () => {
  test.for([
    [0, 2],
    [1, 2],
    [LEASE_MS - 1_000, 1],
    [LEASE_MS - 999, 1],
    [LEASE_MS - 1, 1],
  ] as const)('%i ms after it was sent: in progress, for %i s', ([elapsed, seconds]) => {
    const step = nextStep(claim(), request, SENT_AT + elapsed);
    expect(step).toEqual({ do: 'wait', seconds, because: 'in-progress' });
  });

  test.for([0, 1, 60_000])('%i ms after the lease ended: looked up', (late) => {
    expect(nextStep(claim(), request, LEASE_ENDS + late)).toEqual({ do: 'look-up' });
  });
});

describe('unknown', () => {
  const lookedUpAt = SENT_AT + 20_000;
  const unknown = claim({ stage: 'unknown', firstLookUpAt: lookedUpAt - 9_000, lastLookUpAt: lookedUpAt });

  test('is looked up at once when nobody has yet, whatever the lease', () => {
    expect(nextStep(claim({ stage: 'unknown' }), request, SENT_AT + 1)).toEqual({ do: 'look-up' });
  });

  test.for([
    [0, 3],
    [1, 3],
    [2_000, 1],
    [2_999, 1],
  ] as const)('%i ms after a look-up: unknown, for %i s', ([elapsed, seconds]) => {
    const step = nextStep(unknown, request, lookedUpAt + elapsed);
    expect(step).toEqual({ do: 'wait', seconds, because: 'unknown' });
  });

  test.for([3_000, 3_001])('%i ms after a look-up: looked up again', (elapsed) => {
    expect(nextStep(unknown, request, lookedUpAt + elapsed)).toEqual({ do: 'look-up' });
  });
});

describe('sent or unknown, with another request', () => {
  test.for(otherRequests)('%s: a conflict, at any time', ([_what, other]) => {
    for (const stage of ['sent', 'unknown'] as const) {
      for (const now of [SENT_AT, LEASE_ENDS + 60_000]) {
        expect(nextStep(claim({ stage }), other, now)).toEqual({ do: 'refuse', because: 'conflict' });
      }
    }
  });
});

describe('known', () => {
  const known = claim({ stage: 'known', paymentId: 'p1' });

  test('is shown, before and after the end of the lease', () => {
    for (const now of [SENT_AT, LEASE_ENDS, LEASE_ENDS + 60_000]) {
      expect(nextStep(known, request, now)).toEqual({ do: 'show', paymentId: 'p1' });
    }
  });

  test('is shown for the same amount by value', () => {
    const same = { ...request, amount: decimal('11.120') };
    expect(nextStep(known, same, SENT_AT)).toEqual({ do: 'show', paymentId: 'p1' });
  });

  test.for(otherRequests.slice(0, 2))('is in conflict with another %s', ([_what, other]) => {
    expect(nextStep(known, other, SENT_AT)).toEqual({ do: 'refuse', because: 'conflict' });
  });
});

describe('released', () => {
  test('is sent as the same attempt, by anybody and with any content', () => {
    for (const [, other] of otherRequests) {
      const step = nextStep(claim({ stage: 'released' }), other, SENT_AT);
      expect(step).toEqual({ do: 'send', attempt: 3 });
    }
  });
});

describe('flagged', () => {
  test('is refused, for ever and with any content', () => {
    const flagged = claim({ stage: 'flagged', flag: 'two payments' });
    for (const now of [SENT_AT, LEASE_ENDS, LEASE_ENDS + 24 * 3_600_000]) {
      for (const each of [request, otherRequests[0]![1]]) {
        expect(nextStep(flagged, each, now)).toEqual({ do: 'refuse', because: 'flagged' });
      }
    }
  });
});

describe('two requests are the same', () => {
  test.for(otherRequests)('but not with another %s', ([_what, other]) => {
    expect(sameRequest(request, other)).toBe(false);
    expect(sameRequest(other, request)).toBe(false);
  });

  test.for([
    ['by value', { ...request, amount: decimal('11.1200') }],
    ['as no preAuth is false', { amount: request.amount, currency: 'EUR', paymentMethod: 'BASIC_CARD' }],
  ] as [string, ClaimedRequest][])('%s', ([_how, other]) => {
    expect(sameRequest(request, other)).toBe(true);
    expect(sameRequest(other, request)).toBe(true);
  });

  test('with the fingerprint of now, and with that of an earlier version', () => {
    const asked = { ...request, fingerprint: 'hmac:1', earlierFingerprint: 'sha1' };
    const claimedWith = (fingerprint?: string) => ({ ...request, ...(fingerprint && { fingerprint }) });
    expect(sameRequest(claimedWith('hmac:1'), asked)).toBe(true);
    expect(sameRequest(claimedWith('sha1'), asked)).toBe(true);
    expect(sameRequest(claimedWith('hmac:2'), asked)).toBe(false);
    expect(sameRequest(claimedWith(), asked)).toBe(false);
  });

  test('whatever the method of a deposit, which the customer may change; not of a payout', () => {
    const { paymentMethod: _, ...anyMethod } = request;
    expect(sameRequest(request, anyMethod)).toBe(true);
    expect(sameRequest({ ...request, fingerprint: 'f' }, { ...anyMethod, fingerprint: 'f' })).toBe(false);
  });
});

describe('the payments of a claim', () => {
  const several = claim({
    earlierPaymentIds: ['p1', 'p2'],
    otherPaymentIds: ['p2', 'p3'],
    paymentId: 'p4',
  });

  test('are all that it names, each once, the current one last', () => {
    expect(paymentsOf(several)).toEqual(['p1', 'p2', 'p3', 'p4']);
    expect(paymentsOf(claim())).toEqual([]);
  });

  test('stay as they are when one comes again', () => {
    for (const id of ['p1', 'p3', 'p4']) expect(withPayment(several, id, 3)).toBe(several);
  });

  test('get one of elsewhere, which is no attempt, among the others', () => {
    expect(withPayment(several, 'p5', undefined)).toEqual({
      ...several,
      otherPaymentIds: ['p2', 'p3', 'p5'],
    });
    expect(withPayment(claim(), 'p5', undefined)).toEqual({ ...claim(), otherPaymentIds: ['p5'] });
  });

  test.for(['sent', 'unknown', 'flagged'] as const)(
    'of a claim that is %s: the awaited one completes it',
    (stage) => {
      const open = claim({ stage, flag: 'why' });
      const { flag: _, ...completed } = { ...open, stage: 'known', paymentId: 'p5' };
      expect(withPayment(open, 'p5', 3)).toEqual(completed);
    },
  );

  test.for([
    ['of an earlier attempt', claim({ stage: 'unknown' }), 2],
    ['beside the one that is known', claim({ stage: 'known', paymentId: 'p4' }), 3],
    ['after the attempt was released', claim({ stage: 'released' }), 3],
  ] as const)('%s are kept, and complete nothing', ([_what, found, attempt]) => {
    expect(withPayment(found, 'p5', attempt)).toEqual({ ...found, earlierPaymentIds: ['p5'] });
  });
});

describe('a payment counts for its claim', () => {
  const paid = { id: 'p1', amount: decimal('11.12'), currency: 'EUR' };
  const less = { ...paid, amount: decimal('5') };
  const elsewhere = claim({ otherPaymentIds: ['p1'] });

  test('whatever was paid, when this service asked for it', () => {
    expect(counts(claim({ earlierPaymentIds: ['p1'] }), less)).toBe(true);
  });

  test('of elsewhere, when as much was asked for, or paid where that is not stated', () => {
    expect(counts(elsewhere, paid)).toBe(true);
    expect(counts(elsewhere, less)).toBe(false);
    expect(counts(elsewhere, { ...less, requestedAmount: decimal('11.120') })).toBe(true);
    expect(counts(elsewhere, { ...paid, requestedAmount: decimal('5') })).toBe(false);
    expect(counts(elsewhere, { ...paid, currency: 'USD' })).toBe(false);
    expect(counts(elsewhere, { ...paid, currency: 'USD', requestedCurrency: 'EUR' })).toBe(true);
    expect(counts(elsewhere, less, { amount: decimal('5'), currency: 'EUR' })).toBe(true);
  });

  test.for(['withdrawal', 'refund'] as ClaimKind[])('of a %s always: money went out', (kind) => {
    expect(counts({ ...elsewhere, kind }, less)).toBe(true);
  });

  test('never, once a person has denied it; but nobody can deny what an own attempt of an order was paid', () => {
    const denied = { deniedPaymentIds: ['p1'] };
    const isCounted = (fields: Partial<Claim>) => counts(claim({ ...denied, ...fields }), paid);
    expect(isCounted({ kind: 'withdrawal', earlierPaymentIds: ['p1'] })).toBe(false);
    expect(isCounted({ kind: 'deposit', otherPaymentIds: ['p1'] })).toBe(false);
    expect(isCounted({ kind: 'deposit', earlierPaymentIds: ['p1'] })).toBe(true);
  });
});

test('a claim is of what this service asks for, and of nothing else', () => {
  for (const kind of ['deposit', 'withdrawal', 'refund']) expect(isClaimKind(kind)).toBe(true);
  for (const other of ['payment', 'DEPOSIT', '']) expect(isClaimKind(other)).toBe(false);
});

test('twenty attempts are made, and twenty more for each time that a person says not sent', () => {
  const said = (outcome: Resolution['outcome']) => ({ at: '', caller: '', outcome, reason: '' });
  expect(mayTry({ attempt: MAX_SIBLINGS })).toBe(true);
  expect(mayTry({ attempt: MAX_SIBLINGS + 1 })).toBe(false);
  expect(mayTry({ attempt: MAX_SIBLINGS + 1, resolutions: [said('sent')] })).toBe(false);
  expect(mayTry({ attempt: 2 * MAX_SIBLINGS, resolutions: [said('sent'), said('not-sent')] })).toBe(true);
  expect(mayTry({ attempt: 2 * MAX_SIBLINGS + 1, resolutions: [said('not-sent')] })).toBe(false);
});

test('an open claim is looked after once its lease is over, and then at growing intervals', () => {
  expect(nextLookAt(claim())).toBe(LEASE_ENDS);
  expect(nextLookAt(claim({ lastLookUpAt: SENT_AT + 1 }))).toBeGreaterThan(LEASE_ENDS);
  const late = claim({ leaseUntil: SENT_AT + 3_600_000, lastLookUpAt: SENT_AT + 1 });
  expect(nextLookAt(late)).toBe(SENT_AT + 3_600_000);
});

test('a call that may still begin ends, and is recorded, while its lease is alive', () => {
  expect(LEASE_NEEDED_TO_CALL_MS).toBeGreaterThan(CALL_LIMIT_MS);
  expect(LEASE_MS).toBeGreaterThan(LEASE_NEEDED_TO_CALL_MS);
});

test.each([
  ['DEPOSIT', 'deposit'],
  ['WITHDRAWAL', 'withdrawal'],
  ['REFUND', 'refund'],
] as const)('a %s is asked for as a %s, and nothing else is', (type, kind) => {
  expect(KIND_OF[type]).toBe(kind);
  expect(TYPE_OF_KIND[kind]).toBe(type);
  expect(CLAIM_KINDS).toHaveLength(PAYMENT_TYPES.length);
  expect([kind, type, 'operation', 'constructor'].map(isClaimKind)).toEqual([true, false, false, false]);
});
