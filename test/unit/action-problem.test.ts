import { expect, test } from 'vitest';
import { actionProblem } from '../../shared/http/action-problem.ts';
import type { PaymentRecord } from '../../shared/payment/payment.ts';

test.each([
  ['execute', 'Only a DEPOSIT that is CHECKOUT can be executed.'],
  ['capture', 'Only a DEPOSIT that is AUTHORIZED can be captured.'],
  ['void', 'Only a DEPOSIT that is AUTHORIZED can be voided.'],
  ['approve', 'Only a WITHDRAWAL that is AWAITING_APPROVAL can be approved.'],
  ['reject', 'Only a WITHDRAWAL that is AWAITING_APPROVAL can be rejected.'],
] as const)('a refused %s says what the payment is, and what it would have to be', (kind, needed) => {
  const record = { paymentType: 'DEPOSIT' } as PaymentRecord;
  const problem = actionProblem({ is: 'wrong-state', record, state: 'COMPLETED' }, kind);
  expect(problem.code).toBe('payment.state_conflict');
  expect(problem.message).toBe(`Nothing was done: the payment is a DEPOSIT, COMPLETED. ${needed}`);
});
