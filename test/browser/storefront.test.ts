import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { type Service, startService } from '../support/service.ts';
import { describeInBrowser, PHONE, scrollsSideways, useBrowser } from './browser.ts';

/** The demo shop and the simulator's checkout as a customer uses them, with order tokens as on a deployed stack. */

const CONFIRMING = 'We are confirming your payment';
const THANKS = 'Thank you, your payment is complete';
const CARD = /4000 0000 0000 0408/;
const SECURE_CARD = /4000 0000 0000 0002/;
const DECLINED_CARD = /4000 0000 0000 0416/;

describeInBrowser('the demo shop', () => {
  const newPage = useBrowser();
  let service: Service;
  beforeAll(async () => {
    service = await startService({ orderTokens: 'required', simulator: { slowMs: 1500 } });
  });
  afterAll(() => service?.stop());
  beforeEach(async () => {
    await service.simulator('DELETE', '/simulator/faults');
  });

  const headline = (page: Page) => page.getByRole('heading', { level: 1 });
  const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).click();
  const pay = (page: Page) => press(page, /^Pay/);
  const choose = (page: Page, way: string) => page.getByRole('radio', { name: way }).check();
  const idOf = (page: Page) => new URL(page.url()).searchParams.get('payment') ?? '';
  const fault = (on: string, kind: string, times = 1) =>
    service.simulator('POST', '/simulator/faults', { on, kind, times });
  const drive = (id: string, move: object) =>
    service.simulator('POST', `/simulator/payments/${id}/pay`, move);
  const gatewayPayments = async (): Promise<{ id: string; referenceId: string; amount: number }[]> =>
    JSON.parse((await service.simulator('GET', '/simulator/payments')).text);

  async function says(page: Page, title: string) {
    await page.getByRole('heading', { level: 1, name: title, exact: true }).waitFor();
  }

  /** The shop with the card's payment page open, in the place of the shop or in a frame within it. */
  async function atCheckout(page: Page) {
    await page.goto(service.apiUrl);
    await pay(page);
    await page.waitForURL('**/checkout/*');
    return page;
  }
  async function atFrame(page: Page) {
    await page.goto(service.apiUrl);
    await choose(page, 'Card, right here');
    await pay(page);
    const frame = page.frameLocator('iframe');
    await frame.getByRole('heading', { name: 'Stoneware teapot' }).waitFor();
    return frame;
  }

  it('takes a payment by redirect at the price of the merchant’s server', async () => {
    const page = await atCheckout(await newPage());
    expect(await page.locator('.amount').textContent()).toBe('39.90 EUR');
    await press(page, CARD);
    await page.waitForURL(`${service.apiUrl}/order?*`);
    await says(page, THANKS);
    expect(await service.item(`payment#${idOf(page)}`)).toMatchObject({ state: 'COMPLETED', amount: '39.9' });
  });

  it('takes a card that is typed in and asks the bank', async () => {
    const page = await newPage({}, /status of 400/);
    await atCheckout(page);
    await page.getByLabel('Card number').fill('4111 1111 1111 1111');
    await page.getByLabel('Expires').fill('01/20');
    await page.getByLabel('CVV').fill('12');
    await pay(page);
    await page.getByRole('alert').waitFor();
    for (const label of ['Card number', 'Expires', 'CVV']) {
      expect(await page.getByLabel(label).getAttribute('aria-invalid')).toBe('true');
      expect(await page.getByLabel(label).inputValue()).toBe('');
    }
    await page.getByLabel('Card number').fill('5555000000000008');
    await page.getByLabel('Expires').fill('12/39');
    await page.getByLabel('CVV').fill('123');
    await pay(page);
    await page.getByText('ending in 0008').waitFor();
    await press(page, /^Yes/);
    await says(page, THANKS);
  });

  it('says that it is confirming while the webhook is on its way, and nothing else', async () => {
    const page = await newPage();
    await page.addInitScript(() => {
      const headlines: string[] = [];
      Object.assign(globalThis, { headlines });
      const note = () => {
        const text = document.querySelector('h1')?.textContent;
        if (text && headlines.at(-1) !== text) headlines.push(text);
      };
      new MutationObserver(note).observe(document, { subtree: true, childList: true, characterData: true });
    });
    await atCheckout(page);
    await fault('webhook', 'delay');
    await press(page, CARD);
    await says(page, THANKS);
    expect(await page.evaluate('headlines')).toEqual([CONFIRMING, THANKS]);
  });

  it('takes a payment in a frame', async () => {
    const page = await newPage();
    const frame = await atFrame(page);
    await frame.getByRole('button', { name: SECURE_CARD }).click();
    await frame.getByRole('button', { name: /^Yes/ }).click();
    await says(page, THANKS);
  });

  it('takes a message of the checkout for a hint, and other messages for nothing', async () => {
    const page = await newPage();
    await atFrame(page);
    const [payment] = await gatewayPayments();
    const message = {
      source: 'payment-checkout',
      type: 'checkout.state',
      paymentId: payment!.id,
      state: 'COMPLETED',
    };
    const checkout = page.frames().find((each) => each.url().includes('/checkout/'))!;
    const post = async (from: { evaluate: Page['evaluate'] }, sent: object) => {
      await from.evaluate((data) => window.parent.postMessage(data, '*'), sent);
      // A message that comes later shows that this one was received.
      await page.evaluate(() => {
        const echo = new Promise((resolve) => addEventListener('message', resolve, { once: true }));
        window.postMessage('echo', '*');
        return echo.then(() => {});
      });
    };
    await post(page, message);
    for (const wrong of [{ paymentId: 'another' }, { source: 'elsewhere' }, { type: 'checkout.size' }]) {
      await post(checkout, { ...message, ...wrong });
    }
    expect(await page.getByRole('dialog').isVisible()).toBe(true);
    expect(page.url()).toBe(`${service.apiUrl}/`);

    await checkout.evaluate((data) => window.parent.postMessage(data, '*'), message);
    await page.waitForURL('**/order?*');
    const asked = await page.waitForResponse(`**/payments/${payment!.id}`);
    expect(await asked.json()).toMatchObject({ state: 'CHECKOUT' });
    await says(page, CONFIRMING);
  });

  it('offers the payment page again to a customer who closed the frame', async () => {
    const page = await newPage();
    await atFrame(page);
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: 'Go to the payment page' }).click();
    await press(page, CARD);
    await says(page, THANKS);
  });

  it('tries an order again after a decline, as the next attempt of the same order', async () => {
    const page = await atCheckout(await newPage());
    await press(page, DECLINED_CARD);
    await says(page, 'The payment was not made');
    await page.getByText('The bank declined the payment.').waitFor();
    const first = idOf(page);
    await press(page, 'Pay another way');
    await page.waitForURL('**/checkout/*');
    await press(page, CARD);
    await says(page, THANKS);
    const [again, before] = await gatewayPayments();
    expect([again!.id, before!.id]).toEqual([idOf(page), first]);
    expect(again!.referenceId).toBe(`${before!.referenceId}~2`);
  });

  it('says that authentication failed, and of a customer who took too long', async () => {
    const page = await atCheckout(await newPage());
    await press(page, SECURE_CARD);
    await press(page, /^No/);
    await page.getByText('The payment could not be authenticated.').waitFor();
    await press(page, 'Try again');
    await page.waitForURL('**/checkout/*');
    await page.getByText('More endings').click();
    await press(page, /too long/);
    await says(page, 'The payment was cancelled');
    await page.getByText('The payment was not completed in time.').waitFor();
    await page.getByRole('button', { name: 'Try again' }).waitFor();
  });

  it('comes back from a cancelled checkout', async () => {
    const page = await atCheckout(await newPage());
    await press(page, /^Cancel/);
    await says(page, 'The payment was cancelled');
    await page.getByRole('button', { name: 'Try again' }).waitFor();
  });

  it('does not offer to pay again where that could charge twice', async () => {
    const page = await atCheckout(await newPage());
    const [payment] = await gatewayPayments();
    await drive(payment!.id, { state: 'DECLINED', errorCode: '3.16' });
    await page.goto(`${service.apiUrl}/order?payment=${payment!.id}`);
    await page.getByText('Please check before you pay again.').waitFor();
    expect(await page.getByRole('button').count()).toBe(0);
  });

  it('shows where to send a bank transfer, and when it is here', async () => {
    const page = await newPage({ permissions: ['clipboard-read', 'clipboard-write'] });
    await page.goto(service.apiUrl);
    await choose(page, 'Bank transfer');
    await pay(page);
    await says(page, 'We have not received your transfer yet');
    await page.getByText('GB33 BUKB 2020 1555 5555 55').waitFor();
    await press(page, 'Copy Reference');
    await page.getByText('Reference copied').waitFor({ state: 'attached' });
    expect(await page.evaluate('navigator.clipboard.readText()')).toMatch(/^SIM-[0-9A-F]{8}$/);
    await drive(idOf(page), { state: 'COMPLETED' });
    await says(page, THANKS);
    expect(await page.getByText('IBAN').isVisible()).toBe(false);
  });

  it('says so when another amount was paid than asked', async () => {
    const page = await atCheckout(await newPage());
    const [payment] = await gatewayPayments();
    await drive(payment!.id, { state: 'COMPLETED', amount: 30.5 });
    await page.goto(`${service.apiUrl}/order?payment=${payment!.id}`);
    await says(page, 'We received another amount');
    await page.getByText('You paid €30.50, and the order is €39.90.').waitFor();
  });

  it('does not show the customer an outage that passes', async () => {
    const page = await newPage({}, /status of 503/);
    await fault('create', '429');
    await atCheckout(page);
    expect((await gatewayPayments()).at(0)?.amount).toBe(39.9);
  });

  it('does not know a payment that is none', async () => {
    const page = await newPage({}, /status of 404/);
    await page.goto(`${service.apiUrl}/order?payment=nobody`);
    await says(page, 'We do not know this payment');
  });

  it('shows a checkout that is over for what it is', async () => {
    const page = await atCheckout(await newPage());
    const checkout = page.url();
    await press(page, CARD);
    await says(page, THANKS);
    await page.goto(checkout);
    await page.getByRole('heading', { name: 'Payment complete' }).waitFor();
    await page.getByRole('link', { name: 'Return to the shop' }).click();
    await says(page, THANKS);
  });

  it('can be used with the keyboard alone', async () => {
    const page = await newPage();
    await page.goto(service.apiUrl);
    const focused = () => page.evaluate('document.activeElement.value || document.activeElement.textContent');
    const tabTo = (text: RegExp) =>
      vi.waitFor(
        async () => {
          await page.keyboard.press('Tab');
          expect(await focused()).toMatch(text);
        },
        { timeout: 10_000, interval: 1 },
      );
    await tabTo(/^teapot$/);
    await page.keyboard.press('ArrowDown');
    expect(await focused()).toBe('beans');
    await tabTo(/^redirect$/);
    await page.keyboard.press('ArrowDown');
    expect(await focused()).toBe('frame');
    await page.keyboard.press('ArrowUp');
    await tabTo(/^Pay €12.50$/);
    await page.keyboard.press('Enter');
    await page.waitForURL('**/checkout/*');
    await tabTo(CARD);
    await page.keyboard.press('Enter');
    await says(page, THANKS);
    await tabTo(/^Back to the shop$/);
    await page.keyboard.press('Enter');
    await says(page, 'Slow mornings, well equipped.');
    expect(await headline(page).count()).toBe(1);
  });

  it('fits a phone', async () => {
    const page = await newPage({ viewport: PHONE, hasTouch: true, isMobile: true });
    await page.goto(service.apiUrl);
    expect(await scrollsSideways(page)).toBe(false);
    await choose(page, 'Card, right here');
    await page.getByRole('button', { name: /^Pay/ }).tap();
    const frame = page.frameLocator('iframe');
    await frame.getByRole('button', { name: DECLINED_CARD }).tap();
    await says(page, 'The payment was not made');
    expect(await scrollsSideways(page)).toBe(false);
    await choose(page, 'Card, on the payment page');
    await page.getByRole('button', { name: 'Pay another way' }).tap();
    await page.waitForURL('**/checkout/*');
    expect(await scrollsSideways(page)).toBe(false);
    await page.getByRole('button', { name: CARD }).tap();
    await says(page, THANKS);
    expect(await scrollsSideways(page)).toBe(false);
  });
});

describeInBrowser('the demo shop without order tokens', () => {
  const newPage = useBrowser();
  let service: Service;
  beforeAll(async () => {
    service = await startService();
  });
  afterAll(() => service?.stop());

  it('takes a payment all the same', async () => {
    const page = await newPage();
    await page.goto(service.apiUrl);
    await page.getByRole('button', { name: /^Pay/ }).click();
    await page.getByRole('button', { name: CARD }).click();
    await page.getByRole('heading', { name: THANKS }).waitFor();
  });
});
