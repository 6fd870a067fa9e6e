import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Service, startService } from '../support/service.ts';
import { describeInBrowser, PHONE, seriousFindings, useBrowser } from './browser.ts';

/** Every page and state that a customer sees, judged by axe in light and dark, on a phone. */

describeInBrowser('the demo shop and the checkout', () => {
  const newPage = useBrowser();
  let service: Service;
  beforeAll(async () => {
    service = await startService();
  });
  afterAll(() => service?.stop());

  const drive = (id: string, move: object) =>
    service.simulator('POST', `/simulator/payments/${id}/pay`, move);

  async function createPayment(paymentMethod: string): Promise<{ id: string; redirectUrl: string }> {
    const referenceId = `order-${crypto.randomUUID()}`;
    const order = JSON.stringify({ referenceId, amount: 39.9, currency: 'EUR', paymentMethod });
    return (await service.api('POST', '/payments', order)).json() as never;
  }

  async function orderPage(page: Page, move?: object, paymentMethod = 'BASIC_CARD') {
    const { id } = await createPayment(paymentMethod);
    if (move) await drive(id, move);
    await page.goto(`${service.apiUrl}/order?payment=${id}`);
  }
  async function checkoutPage(page: Page) {
    const { id, redirectUrl } = await createPayment('BASIC_CARD');
    await page.goto(redirectUrl);
    return id;
  }
  async function payInShop(page: Page, product: string, pay: RegExp) {
    await page.goto(service.apiUrl);
    await page.getByRole('radio', { name: product }).check();
    await button(page, pay);
    await button(page, /4000 0000 0000 0408/);
    await page.getByText(/Thank you/).waitFor();
  }
  const button = (page: Page, name: RegExp) => page.getByRole('button', { name }).click();

  /** How each page is reached, and what it says then. */
  const pages: [name: string, says: string | RegExp, open: (page: Page) => Promise<unknown>][] = [
    ['shop', 'Your order', (page) => page.goto(service.apiUrl)],
    [
      'shop of a customer with a saved card',
      'VISA ending in 0408',
      async (page) => {
        await payInShop(page, 'Stoneware teapot', /^Pay/);
        await page.goto(service.apiUrl);
      },
    ],
    [
      'subscription',
      'It goes on every month',
      (page) => payInShop(page, 'Coffee subscription', /^Subscribe/),
    ],
    [
      'frame',
      'Payment',
      async (page) => {
        await page.goto(service.apiUrl);
        await page.getByRole('radio', { name: 'Card, right here' }).check();
        await button(page, /^Pay/);
      },
    ],
    ['confirming', /confirming/, (page) => orderPage(page)],
    ['paid', /Thank you/, (page) => orderPage(page, { state: 'COMPLETED' })],
    ['paid otherwise', /another amount/, (page) => orderPage(page, { state: 'COMPLETED', amount: 1 })],
    ['reserved', /reserved/, (page) => orderPage(page, { state: 'AUTHORIZED' })],
    ['declined', 'How would you like to pay?', (page) => orderPage(page, { state: 'DECLINED' })],
    ['cancelled', 'How would you like to pay?', (page) => orderPage(page, { state: 'CANCELLED' })],
    [
      'transfer',
      'How to pay',
      async (page) => {
        const { id } = await createPayment('BANKTRANSFER');
        await service.api('PATCH', `/payments/${id}`);
        await page.goto(`${service.apiUrl}/order?payment=${id}`);
      },
    ],
    ['unknown', /do not know/, (page) => page.goto(`${service.apiUrl}/order?payment=nobody`)],
    ['checkout', 'Test cards', checkoutPage],
    [
      'checkout with problems',
      'Please check the card.',
      async (page) => {
        await checkoutPage(page);
        for (const label of ['Card number', 'Expires', 'CVV']) await page.getByLabel(label).fill('1');
        await button(page, /^Pay/);
      },
    ],
    [
      '3-D Secure',
      'Simulated bank',
      async (page) => {
        await checkoutPage(page);
        await button(page, /4000 0000 0000 0002/);
      },
    ],
    [
      'checkout that is over',
      'Payment declined',
      async (page) => {
        await drive(await checkoutPage(page), { state: 'DECLINED' });
        await page.reload();
      },
    ],
    [
      'no checkout',
      'There is no such checkout.',
      (page) => page.goto(`${service.simulatorUrl}/checkout/nobody`),
    ],
  ];

  describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
    it.each(pages)('%s', async (_name, says, open) => {
      const page = await newPage({ colorScheme, viewport: PHONE }, /status of (400|404)/);
      await open(page);
      await page.getByText(says).first().waitFor();
      expect(await seriousFindings(page)).toEqual([]);
    });
  });
});
