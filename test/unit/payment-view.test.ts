import { expect, test } from 'vitest';
import { createdView } from '../../shared/http/payment-view.ts';
import { publicView } from '../../shared/http/public-view.ts';
import { decimal } from '../../shared/payment/money.ts';
import { PAYMENT_STATES } from '../../shared/payment/state.ts';
import { recordWith } from './examples.ts';

const facts = { amount: decimal('10'), currency: 'EUR' };
const at = '2026-03-01T10:05:00.000Z';

test.each(PAYMENT_STATES)('%s: only a customer who has not paid yet is sent to pay', (state) => {
  const redirectUrl = 'https://checkout.example/1';
  const record = {
    ...recordWith([{ at, source: 'create', facts: { ...facts, state: 'CHECKOUT' } }]),
    state,
    redirectUrl,
  };
  record.history.push({ at, source: 'webhook', key: 'k', facts: { ...facts, state } });
  record.version = 2;
  const expected = state === 'CHECKOUT' ? redirectUrl : undefined;
  expect([createdView(record).redirectUrl, publicView(record).redirectUrl]).toEqual([expected, expected]);
});
