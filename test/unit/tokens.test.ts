import { describe, expect, test } from 'vitest';
import { withoutTokens, withoutTokensIn } from '../../shared/payment/tokens.ts';

/** What paytech's own texts say does not repeat the tokens by which customers are charged. */

const TOKEN = 'Zq7/planted+token==';

describe('a token by its name', () => {
  const json = JSON.stringify({ recurringToken: TOKEN, parentPaymentId: 'kept' });
  test.each([
    ['JSON', json],
    ['JSON with spaces', JSON.stringify({ recurringToken: TOKEN }, undefined, 2)],
    ['JSON whose slashes are escaped', json.replaceAll('/', '\\/')],
    ['JSON in a text of JSON', JSON.stringify({ body: json })],
    ['JSON in it once more', JSON.stringify({ body: JSON.stringify({ body: json }) })],
    ['a saved card', JSON.stringify({ card: { cardToken: TOKEN } })],
    ['another spelling', `{"recurring_token":"${TOKEN}"}`],
    ['a form', `amount=1&recurringToken=${encodeURIComponent(TOKEN)}&currency=EUR`],
    ['JSON in a URL', encodeURIComponent(json)],
    ['XML', `<recurringToken>${TOKEN}</recurringToken>`],
    ['a header', `Recurring-Token: ${TOKEN}\nHost: acquirer.example`],
    ['a sentence', `Token ${TOKEN} not found`],
    ['a line of a log', `charging by recurringToken = '${TOKEN}' of the parent`],
  ])('is not in %s', (_form, text) => {
    const shown = withoutTokens(text);
    expect(shown).toContain('****');
    expect(shown).not.toMatch(/Zq7|planted/);
  });

  test('leaves the JSON around it as it was', () => {
    expect(JSON.parse(withoutTokens(json))).toEqual({ recurringToken: '****', parentPaymentId: 'kept' });
    const within = withoutTokens(JSON.stringify({ body: json, amount: 11.12 }));
    expect(JSON.parse(JSON.parse(within).body)).toEqual({ recurringToken: '****', parentPaymentId: 'kept' });
  });

  test.each([
    'recurringToken: must not be empty',
    'cardToken is required',
    '{"recurringToken":null,"startRecurring":true}',
    '1.06: token not found',
  ])('nothing is made of %s', (text) => {
    expect(withoutTokens(text)).toBe(text);
  });
});

describe('a token that is known', () => {
  test.each([TOKEN, JSON.stringify(TOKEN).replaceAll('/', '\\/'), encodeURIComponent(TOKEN)])(
    'is not in a text as %s',
    (written) => {
      expect(withoutTokens(`1.06: ${written} not found`, [undefined, TOKEN])).toMatch(
        /^1\.06: "?\*{4}"? not found$/,
      );
    },
  );

  test('is looked for where it cannot be a word', () => {
    expect(withoutTokens('1.06: token not found', ['token', ''])).toBe('1.06: token not found');
  });
});

test('nothing in a value is one, at any depth', () => {
  const step = {
    id: 1,
    outgoingMessages: [{ recurringToken: TOKEN, url: `https://a.example/${encodeURIComponent(TOKEN)}` }],
    incomingMessages: `{"token":"${TOKEN}"}`,
  };
  expect(withoutTokensIn(step, [TOKEN])).toEqual({
    id: 1,
    outgoingMessages: [{ recurringToken: '****', url: 'https://a.example/****' }],
    incomingMessages: '{"token":"****"}',
  });
});
