import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { publicView } from '../../shared/http/public-view.ts';
import { stringifyJson } from '../../shared/payment/json.ts';
import { customerErrorCode, customerMessage } from '../../shared/paytech/customer-message.ts';
import { created, recordWith } from './examples.ts';

test.for([
  ['1.04', 'retry', /in time/],
  ['1.08', 'retry-with-other-method', /amount/],
  ['1.09', 'retry-with-other-method', /currency/],
  ['2.00', 'retry', /cancelled/],
  ['3.16', 'do-not-retry', /already/],
  ['3.27', 'retry-with-other-method', /amount/],
  ['3.28', 'retry-with-other-method', /amount/],
  ['4.01', 'retry-with-other-method', /funds/],
  ['4.02', 'retry-with-other-method', /bank/],
  ['4.99', 'retry-with-other-method', /bank/],
  ['5.01', 'retry', /authenticated/],
  ['3.12', 'retry', /document/],
  ['3.25', 'retry', /document/],
  ['3.26', 'retry', /document/],
  ['3.21', 'retry', /phone/],
  ['3.30', 'retry', /e-mail/],
  ['4.12', 'retry', /e-mail/],
  ['4.03', 'retry', /number/],
  ['4.13', 'retry', /number/],
  ['4.04', 'retry', /expiry/],
  ['4.07', 'retry', /security code/],
  ['4.11', 'retry', /address/],
  ['1.02', 'retry-with-other-method', /moment/],
  ['3.04', 'retry-with-other-method', /moment/],
  ['8.00', 'do-not-retry', /merchant/],
] as const)('%s: %s', ([code, retry, message]) => {
  expect(customerMessage(code)).toEqual({ retry, message: expect.stringMatching(message) });
});

const generic = customerMessage('9.99');

test.each(['DECLINED', 'CANCELLED'] as const)('%s without a code has a message all the same', (state) => {
  const ended = { at: '2026-03-01T10:05:00.000Z', source: 'webhook' as const, facts: { state } };
  const view = publicView(recordWith([created, ended]));
  expect(view).toMatchObject({ state, errorMessage: generic.message, retry: generic.retry });
  expect(view).not.toHaveProperty('errorCode');
});

test.each(['constructor', '__proto__', '4.0', '4.031', '4.01 x'])('%s is no code', (code) => {
  expect(customerMessage(code)).toEqual(generic);
});

test.each(['6', '06.01', '9.00', 'velocity', '4.02 rule 17'])('the unknown code %s is withheld', (code) => {
  expect(customerErrorCode(code)).toBeUndefined();
});

describe('anti-fraud never leaks', () => {
  const antiFraud = fc
    .tuple(fc.constantFrom('6.', '7.'), fc.nat({ max: 99 }))
    .map(([group, n]) => `${group}${n}`);

  test('its codes say what any unknown code says, and are withheld', () => {
    fc.assert(
      fc.property(antiFraud, (code) => {
        expect(customerMessage(code)).toEqual(generic);
        expect(customerErrorCode(code)).toBeUndefined();
      }),
    );
  });

  test('neither code nor message is in the public view', () => {
    fc.assert(
      fc.property(antiFraud, (code) => {
        const declined = {
          at: '2026-03-01T10:05:00.000Z',
          source: 'webhook' as const,
          facts: {
            state: 'DECLINED' as const,
            errorCode: code,
            gatewayMessage: 'velocity rule 17 of the black list',
          },
        };
        const view = publicView(recordWith([created, declined]));
        expect(view).toMatchObject({ state: 'DECLINED', errorMessage: generic.message });
        expect(view).not.toHaveProperty('errorCode');
        expect(stringifyJson(view)).not.toMatch(/velocity|black list/);
      }),
    );
  });
});

test('paytech’s own message is for the merchant, never for the customer', () => {
  const declined = {
    at: '2026-03-01T10:05:00.000Z',
    source: 'webhook' as const,
    facts: {
      state: 'DECLINED' as const,
      errorCode: '4.01',
      gatewayMessage: 'acquirer said NSF at terminal 7',
    },
  };
  const view = publicView(recordWith([created, declined]));
  expect(view).toMatchObject({
    errorCode: '4.01',
    errorMessage: expect.stringMatching(/funds/),
    retry: 'retry-with-other-method',
  });
  expect(stringifyJson(view)).not.toContain('terminal 7');
});

test('a customer whose payment was corrected to COMPLETED is not asked to try again', () => {
  const declined = {
    at: '2026-03-01T10:05:00.000Z',
    source: 'webhook' as const,
    facts: { state: 'DECLINED' as const, errorCode: '5.01' },
  };
  const corrected = {
    at: '2026-03-01T10:06:00.000Z',
    source: 'webhook' as const,
    corrected: true,
    facts: { state: 'COMPLETED' as const },
  };
  const view = publicView(recordWith([created, declined, corrected]));
  expect(view).toMatchObject({ state: 'COMPLETED' });
  for (const field of ['errorCode', 'errorMessage', 'retry']) expect(view).not.toHaveProperty(field);
});
