import { describe, expect, it } from 'vitest';
import { readExecuteRequest } from '../../functions/execute-payment/request.ts';
import { parseJson, stringifyJson } from '../../shared/payment/json.ts';
import { decimal } from '../../shared/payment/money.ts';

const full = {
  ipCountryCode: 'GB',
  customerUserAgent: 'u'.repeat(512),
  browserWindowWidth: 1280,
  browserWindowHeight: 720,
  browserScreenWidth: 1920,
  browserScreenHeight: 1080,
  browserScreenColorDepth: 24,
  browserLanguage: 'l'.repeat(32),
  browserJavaEnabled: false,
  browserTimezoneOffset: -60,
};
const read = (fields: object) => readExecuteRequest(parseJson(JSON.stringify(fields)));

describe('the body of PATCH /payments/{id}', () => {
  it('may hold all that paytech takes of a browser, or nothing', () => {
    expect(read(full)).toMatchObject({
      ...full,
      browserWindowWidth: decimal('1280'),
      browserWindowHeight: decimal('720'),
      browserScreenWidth: decimal('1920'),
      browserScreenHeight: decimal('1080'),
      browserScreenColorDepth: decimal('24'),
      browserTimezoneOffset: decimal('-60'),
    });
    expect(read({})).toEqual({});
  });

  it('takes an empty text for none', () => {
    const nothing = { ipCountryCode: '', customerUserAgent: '', browserLanguage: '' };
    expect(stringifyJson(read(nothing))).toBe('{}');
  });

  it('never holds the address of the customer', () => {
    expect(() => read({ customerIp: '203.0.113.7' })).toThrow(
      expect.objectContaining({
        code: 'request.invalid',
        errors: [{ field: 'customerIp', message: expect.stringContaining('the service sees itself') }],
      }),
    );
  });

  it.each<[string, object]>([
    ['ipCountryCode', { ipCountryCode: 'gb' }],
    ['customerUserAgent', { customerUserAgent: 'u'.repeat(513) }],
    ['customerUserAgent', { customerUserAgent: 5 }],
    ['browserWindowWidth', { browserWindowWidth: '1280' }],
    ['browserWindowHeight', { browserWindowHeight: 720.5 }],
    ['browserScreenWidth', { browserScreenWidth: -1 }],
    ['browserScreenHeight', { browserScreenHeight: 1e9 }],
    ['browserScreenColorDepth', { browserScreenColorDepth: 1000 }],
    ['browserLanguage', { browserLanguage: 'l'.repeat(33) }],
    ['browserJavaEnabled', { browserJavaEnabled: 'no' }],
    ['browserTimezoneOffset', { browserTimezoneOffset: 1441 }],
    ['card', { card: { cardNumber: '4000000000000408' } }],
    ['amount', { amount: 1 }],
  ])('refuses a wrong %s by name: %j', (field, wrong) => {
    const refusal = { code: 'request.invalid', errors: [{ field, message: expect.any(String) }] };
    expect(() => read({ ...full, ...wrong })).toThrow(expect.objectContaining(refusal));
  });

  it.each([null, [], 'text'])('is no %j', (json) => {
    expect(() => readExecuteRequest(json)).toThrow(expect.objectContaining({ code: 'request.invalid' }));
  });
});
