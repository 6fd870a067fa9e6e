import { expect } from 'vitest';
import type { Action } from '../../shared/payment/action.ts';
import type { ClaimKind } from '../../shared/payment/claim.ts';
import { decimal } from '../../shared/payment/money.ts';
import type { PaymentState, PaymentType } from '../../shared/payment/state.ts';
import { saveClaim } from '../../shared/store/claims.ts';
import { takeOperation } from '../../shared/store/operation-lock.ts';
import { readPayment, recordPayment } from '../../shared/store/payments.ts';
import { type CallOptions, type DocumentedService, newId } from './openapi-service.ts';

export const REFUND = 'POST /operations/refunds';
export const RESOLVE = 'POST /operations/claims/resolve';
export const LIST = 'GET /operations/payments';
export const STEPS = 'GET /operations/payments/{id}/gateway-operations';
export const BALANCES = 'GET /operations/balances';
export const WITHDRAW = 'POST /operations/withdrawals';
export const action = (name: Action) => `POST /operations/payments/{id}/${name}`;

export const WITHDRAWAL = { amount: 10, currency: 'EUR', additionalParameters: { approval: 'required' } };

/** Payments of a documented service, and the waiting for them to be recorded. */
export function paymentsOf(current: () => DocumentedService) {
  const deposit = async (fields: object = {}) =>
    (
      await current().call('POST /payments', {
        body: { referenceId: newId(), amount: 100, currency: 'EUR', ...fields },
      })
    ).json.id;

  async function paidDeposit(): Promise<string> {
    const id = await deposit();
    await current().drive(id, 'COMPLETED');
    await current().until(id, 'COMPLETED');
    return id;
  }

  async function authorizedDeposit(): Promise<string> {
    const id = await deposit({ preAuth: true });
    await current().drive(id, 'AUTHORIZED');
    await current().until(id, 'AUTHORIZED');
    return id;
  }

  async function waitingWithdrawal() {
    const { id } = (
      await current().call(WITHDRAW, { body: { ...WITHDRAWAL, referenceId: newId('withdrawal') } })
    ).json;
    await current().untilAtPaytech(id, 'AWAITING_APPROVAL');
    await current().simulator('POST', `/simulator/payments/${id}/webhook`, {});
    await current().until(id, 'AWAITING_APPROVAL');
    return id;
  }

  return { deposit, paidDeposit, authorizedDeposit, waitingWithdrawal };
}

/** A claim as it stands when nobody knew what became of its payment. */
export async function flaggedClaim({ table }: DocumentedService, kind: ClaimKind = 'withdrawal') {
  const referenceId = newId(kind);
  await saveClaim(table, undefined, {
    kind,
    referenceId,
    attempt: 1,
    stage: 'flagged',
    owner: 'somebody',
    leaseUntil: 0,
    sentAt: Date.now(),
    request: { amount: decimal('10'), currency: 'EUR' },
    earlierPaymentIds: [],
    flag: 'nobody knows',
  });
  return referenceId;
}

/** An action that was asked of paytech long ago. */
export async function forgottenOperation({ table }: DocumentedService, id: string, kind: Action = 'capture') {
  const operation = { kind, owner: 'somebody', startedAt: 0, leaseUntil: 1, version: 1 };
  const record = await readPayment(table, id);
  expect((await takeOperation(table, record!, operation)).taken).toBe(true);
}

/** A payment that is on record and not at paytech. */
export async function seenAs(
  { table }: DocumentedService,
  paymentType: PaymentType,
  state: PaymentState,
): Promise<string> {
  const id = newId('seen').replaceAll('-', '');
  const at = new Date().toISOString();
  const facts = { state, amount: decimal('100'), currency: 'EUR' };
  const identity = { id, paymentType, origin: 'external', created: at } as const;
  await recordPayment(table, identity, { at, source: 'webhook', key: id, facts });
  return id;
}

/** One good request to each route of the back office that asks paytech, each time with other payments and claims. */
export async function requestsToPaytech(
  of: DocumentedService,
): Promise<[route: string, options?: CallOptions][]> {
  const paid = await seenAs(of, 'DEPOSIT', 'COMPLETED');
  const authorized = await seenAs(of, 'DEPOSIT', 'AUTHORIZED');
  const awaiting = await seenAs(of, 'WITHDRAWAL', 'AWAITING_APPROVAL');
  const forgotten = await seenAs(of, 'DEPOSIT', 'AUTHORIZED');
  await forgottenOperation(of, forgotten);
  const decision = { outcome: 'not-sent', reason: 'asked paytech' };
  return [
    [REFUND, { body: { refundId: newId('refund'), paymentId: paid, amount: 1 } }],
    [WITHDRAW, { body: { ...WITHDRAWAL, referenceId: newId('withdrawal') } }],
    [action('capture'), { at: { id: authorized } }],
    [action('void'), { at: { id: authorized } }],
    [action('approve'), { at: { id: awaiting } }],
    [action('reject'), { at: { id: awaiting } }],
    [RESOLVE, { body: { kind: 'withdrawal', id: await flaggedClaim(of), ...decision } }],
    [RESOLVE, { body: { kind: 'operation', id: forgotten, ...decision } }],
    [LIST],
    [STEPS, { at: { id: paid } }],
    [BALANCES],
  ];
}
