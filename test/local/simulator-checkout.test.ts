import { describe, expect, test } from 'vitest';
import { type Fields, NOWHERE, OK_CARD, startShop, startWebhookEndpoint } from '../support/simulator.ts';

describe('the hosted checkout', () => {
  async function openCheckout(fields: Fields = {}) {
    const shop = await startShop();
    const id = await shop.deposit(fields);
    const url = `${shop.simulator.url}/checkout/${id}`;
    const submit = (form: Record<string, string>, headers: Record<string, string> = {}) =>
      fetch(url, { method: 'POST', body: new URLSearchParams(form), redirect: 'manual', headers });
    return { ...shop, id, url, submit };
  }

  test('shows amount and cards, with everything from outside escaped', async () => {
    const { url } = await openCheckout({ description: '<script>alert("x")</script>' });
    const page = await (await fetch(url)).text();
    expect(page).toContain('10.00 EUR');
    expect(page).toContain('value="4000 0000 0000 0408"');
    expect(page).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;');
    expect(page).not.toContain('<script>alert');
  });

  test('pays and returns to the shop with the placeholders filled in', async () => {
    const { id, submit, ok } = await openCheckout({
      referenceId: 'a b/&',
      returnUrl: 'https://shop.example/zurück?id={id}&ref={referenceId}&state={state}&type={type}&x={other}',
    });
    const answer = await submit({ testCard: OK_CARD });
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe(
      `https://shop.example/zur%C3%BCck?id=${id}&ref=a%20b%2F%26&state=COMPLETED&type=DEPOSIT&x={other}`,
    );
    expect(await ok('GET', `/payments/${id}`)).toMatchObject({ state: 'COMPLETED' });
    expect((await submit({ testCard: OK_CARD })).status).toBe(409);
  });

  test.each([
    ['passed', 'COMPLETED', undefined],
    ['failed', 'DECLINED', '5.00'],
  ])('asks for 3-D Secure where the card does: %s', async (challenge, state, errorCode) => {
    const { id, submit, ok } = await openCheckout();
    const asked = await submit({ testCard: '4000 0000 0000 0002' });
    expect(await asked.text()).toContain('name="challenge"');
    expect(await ok('GET', `/payments/${id}`)).toMatchObject({ state: 'CHECKOUT' });
    await submit({ testCard: '4000 0000 0000 0002', challenge });
    const paid = await ok('GET', `/payments/${id}`);
    expect([paid.state, paid.errorCode]).toEqual([state, errorCode]);
  });

  test.each([
    ['decline', 'DECLINED', '4.02'],
    ['cancel', 'CANCELLED', '2.00'],
  ])('offers to %s', async (action, state, errorCode) => {
    const { id, submit, ok } = await openCheckout();
    expect((await submit({ action })).headers.get('location')).toBe(`/checkout/${id}`);
    expect(await ok('GET', `/payments/${id}`)).toMatchObject({ state, errorCode });
  });

  test('inside a frame stays there and notifies the page around it', async () => {
    const { id, url, submit } = await openCheckout({ returnUrl: 'https://shop.example/</script>/{state}' });
    const answer = await submit({ testCard: OK_CARD }, { 'sec-fetch-dest': 'iframe' });
    expect(answer.headers.get('location')).toBe(`/checkout/${id}`);
    const page = await (await fetch(url)).text();
    const message = /postMessage\((\{.*\}), '\*'\)/.exec(page)?.[1] ?? '';
    expect(JSON.parse(message)).toEqual({
      source: 'payment-checkout',
      type: 'checkout.state',
      paymentId: id,
      state: 'COMPLETED',
      returnUrl: 'https://shop.example/</script>/COMPLETED',
    });
    expect(page.split('</script>')).toHaveLength(2);
  });

  test('ends when the customer takes too long, and says so to customer and shop', async () => {
    const { url: webhookUrl, received } = await startWebhookEndpoint();
    const { simulator, deposit, ok, control } = await startShop({ webhookUrl, checkoutMs: 100 });
    const paid = await deposit();
    await control('POST', `/payments/${paid}/pay`, { state: 'COMPLETED' });
    const id = await deposit();
    await expect.poll(() => received.map(({ object }) => [object.id, object.state])).toHaveLength(2);
    expect(await ok('GET', `/payments/${id}`)).toMatchObject({ state: 'CANCELLED', errorCode: '1.04' });
    expect(await ok('GET', `/payments/${paid}`)).toMatchObject({ state: 'COMPLETED' });
    const page = await (await fetch(`${simulator.url}/checkout/${id}`)).text();
    expect(page).toContain('Payment cancelled');
  });

  test('takes a card that is typed in, and repeats nothing of one that is wrong', async () => {
    const { id, submit, ok } = await openCheckout();
    const typed = { cardNumber: '4000000000000408', expiry: '12/39', cvv: '123' };
    for (const wrong of [
      { cardNumber: '4111111111111111' },
      { expiry: '01/20' },
      { expiry: '13/39' },
      { cvv: '98' },
    ]) {
      const answer = await submit({ ...typed, ...wrong });
      expect(answer.status).toBe(400);
      const [value] = Object.values(wrong);
      expect(await answer.text()).not.toContain(`"${value}"`);
      expect(await ok('GET', `/payments/${id}`)).toMatchObject({ state: 'CHECKOUT' });
    }
    expect((await submit(typed)).status).toBe(303);
    expect(await ok('GET', `/payments/${id}`)).toMatchObject({ state: 'COMPLETED' });
  });

  test('refuses cards that are none of its own, and payments that it has not', async () => {
    const { simulator, submit } = await openCheckout();
    expect((await submit({ cardNumber: '1234' })).status).toBe(400);
    const missing = await fetch(`${simulator.url}/checkout/${NOWHERE}`);
    expect(missing.status).toBe(404);
    expect(missing.headers.get('content-type')).toMatch('text/html');
  });
});
