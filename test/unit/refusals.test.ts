import { describe, expect, test } from 'vitest';
import { resolveRoute } from '../../functions/operations/claims.ts';
import type { ActResult } from '../../shared/calls/act.ts';
import type { CallResult } from '../../shared/calls/claimed-call.ts';
import { actionProblem } from '../../shared/http/action-problem.ts';
import type { HttpEvent } from '../../shared/http/api.ts';
import { callReply } from '../../shared/http/call-reply.ts';
import { Problem, type ProblemCode } from '../../shared/http/problem.ts';
import { created, recordWith } from './examples.ts';

/** What a caller is told of what was not done: by which code, and after how many seconds to come again. */

type Told = [code: ProblemCode, retryAfter?: number];
const told = ({ code, retryAfter }: Problem): Told =>
  retryAfter === undefined ? [code] : [code, retryAfter];

const thrownBy = (reply: () => unknown): Problem => {
  try {
    reply();
  } catch (error) {
    if (error instanceof Problem) return error;
  }
  throw new Error('nothing was refused');
};

const record = recordWith([created]);
const errors = [{ field: 'amount', message: 'is not valid' }];

test.each([
  ['created', 201],
  ['existing', 200],
] as const)('a payment that is %s is answered with %i', (is, status) => {
  expect(callReply({ is, record }, ({ id }) => ({ id }), '')).toEqual({ status, body: { id: record.id } });
});

describe('a call that made no payment', () => {
  test.each<[Exclude<CallResult, { is: 'created' | 'existing' }>, ...Told]>([
    [{ is: 'conflict' }, 'payment.reference_conflict'],
    [{ is: 'in-progress', seconds: 7 }, 'payment.in_progress', 7],
    [{ is: 'under-way', record }, 'payment.under_way', 5],
    [{ is: 'flagged' }, 'claim.flagged'],
    [{ is: 'unknown', seconds: 3 }, 'payment.outcome_unknown', 3],
    [{ is: 'rejected', message: 'No.', errors }, 'gateway.rejected'],
    [{ is: 'unavailable', status: 429 }, 'gateway.unavailable', 5],
    [{ is: 'not-reserved', because: 'not-refundable' }, 'payment.state_conflict'],
    [{ is: 'not-reserved', because: 'exceeds-remainder' }, 'refund.exceeds_remainder'],
    [{ is: 'not-reserved', because: 'too-many' }, 'refund.too_many'],
  ])('%o: %s', (result, ...expected) => {
    const reply = () => callReply(result, () => ({}), 'This is another order.');
    expect(told(thrownBy(reply))).toEqual(expected);
  });
});

describe('an action that was not done', () => {
  test.each<[Exclude<ActResult, { is: 'done' | 'unknown' }>, ...Told]>([
    [{ is: 'not-found' }, 'payment.not_found'],
    [{ is: 'wrong-state', record, state: 'DECLINED' }, 'payment.state_conflict'],
    [{ is: 'paid-beside' }, 'payment.state_conflict'],
    [{ is: 'too-much' }, 'request.invalid'],
    [{ is: 'conflict' }, 'operation.conflict'],
    [{ is: 'in-progress', seconds: 7 }, 'operation.in_progress', 7],
    [{ is: 'rejected', message: 'No.', errors }, 'gateway.rejected'],
    [{ is: 'unavailable' }, 'gateway.unavailable', 5],
  ])('%o: %s', (result, ...expected) => {
    expect(told(actionProblem(result, 'capture'))).toEqual(expected);
  });
});

describe('a decision that changed nothing', () => {
  const decided = async (kind: string, id: string, ended: object) => {
    const ending = async () => ended as never;
    const decide = resolveRoute({ resolve: ending, release: ending });
    const body = JSON.stringify({ kind, id, outcome: 'not-sent', reason: 'a test' });
    const problem = await decide({ body } as HttpEvent, { caller: 'me', owner: 'o', deadline: 0 }).catch(
      (error) => error,
    );
    expect(problem).toBeInstanceOf(Problem);
    return told(problem);
  };

  test.each<[object, ...Told]>([
    [{ is: 'not-found' }, 'claim.not_found'],
    [{ is: 'not-flagged' }, 'claim.not_flagged'],
    [{ is: 'must-name', paymentIds: ['p1'] }, 'claim.mismatch'],
    [{ is: 'mismatch', because: 'it differs' }, 'claim.mismatch'],
    [{ is: 'unavailable' }, 'gateway.unavailable', 5],
  ])('of a claim, %o: %s', async (result, ...expected) => {
    expect(await decided('withdrawal', 'payout-1', result)).toEqual(expected);
  });

  test.each<[object, ...Told]>([
    [{ is: 'not-open', record: undefined }, 'payment.not_found'],
    [{ is: 'not-open', record }, 'claim.not_flagged'],
    [{ is: 'too-early', seconds: 7 }, 'operation.in_progress', 7],
    [{ is: 'unavailable' }, 'gateway.unavailable', 5],
  ])('of an operation, %o: %s', async (result, ...expected) => {
    expect(await decided('operation', 'a'.repeat(32), result)).toEqual(expected);
  });
});
