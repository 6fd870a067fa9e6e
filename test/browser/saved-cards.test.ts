import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Service, startService } from '../support/service.ts';
import { describeInBrowser, PHONE, scrollsSideways, useBrowser } from './browser.ts';

/** A customer who comes again: paying with the saved card, and a subscription from its first month to its end. */

const THANKS = 'Thank you, your payment is complete';
const CARD = /4000 0000 0000 0408/;
const SECURE_CARD = /4000 0000 0000 0002/;
const DECLINED_CARD = /4000 0000 0000 0416/;

interface GatewayPayment {
  id: string;
  referenceId?: string;
  recurringToken?: string;
  paymentMethodDetails?: { cardToken: string };
}

describeInBrowser('the demo shop', () => {
  const newPage = useBrowser();
  describe.each(['required', 'off'] as const)('with order tokens %s', (orderTokens) => {
    let service: Service;
    beforeAll(async () => {
      service = await startService({ orderTokens });
    });
    afterAll(() => service?.stop());

    const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).click();
    const choose = (page: Page, name: string | RegExp) => page.getByRole('radio', { name }).check();
    const idOf = (page: Page) => new URL(page.url()).searchParams.get('payment') ?? '';
    const says = (page: Page, name: string) => page.getByRole('heading', { level: 1, name }).waitFor();
    const fault = (on: string, kind: string) =>
      service.simulator('POST', '/simulator/faults', { on, kind, times: 1 });
    const gatewayPayment = async (id: string): Promise<GatewayPayment> =>
      (await service.simulator('GET', `/simulator/payments/${id}`)).json() as never;
    const creations = async (): Promise<{ body: { referenceId: string; card?: object } }[]> =>
      JSON.parse((await service.simulator('GET', '/simulator/requests')).text).filter(
        ({ method, path }: { method: string; path: string }) =>
          method === 'POST' && path === '/api/v1/payments',
      );

    /** All that the page has sent and was answered. */
    function traffic(page: Page): Promise<string>[] {
      const seen: Promise<string>[] = [];
      page.on('response', (response) => {
        const sent = response.request().postData() ?? '';
        seen.push(
          response.text().then(
            (text) => sent + text,
            () => sent,
          ),
        );
      });
      return seen;
    }
    async function payOnThePage(page: Page, card: RegExp): Promise<void> {
      await page.goto(service.apiUrl);
      await choose(page, 'Card, on the payment page');
      await press(page, /^Pay/);
      await page.waitForURL('**/checkout/*');
      await press(page, card);
    }
    async function payBySavedCard(page: Page): Promise<void> {
      await page.goto(service.apiUrl);
      await choose(page, /^Your saved card/);
      await press(page, /^Pay/);
    }

    it('charges the card that a first payment has saved, and shows the browser no token of it', async () => {
      const page = await newPage();
      const seen = traffic(page);
      await page.goto(service.apiUrl);
      expect(await page.getByRole('radio', { name: /^Your saved card/ }).isVisible()).toBe(false);
      await payOnThePage(page, CARD);
      await says(page, THANKS);
      const { paymentMethodDetails } = await gatewayPayment(idOf(page));
      const { cardToken } = paymentMethodDetails!;

      await page.goto(service.apiUrl);
      await page.getByText('VISA ending in 0408').waitFor();
      await payBySavedCard(page);
      await says(page, THANKS);
      expect((await creations()).at(-1)?.body.card).toEqual({ cardToken });
      expect((await Promise.all(seen)).join('\n')).not.toContain(cardToken);
    });

    it('charges it once though paytech has not said that it did', async () => {
      const page = await newPage({}, /status of (409|503)/);
      await fault('create', '429-after-accept');
      await payBySavedCard(page);
      await says(page, THANKS);
      const { referenceId } = await gatewayPayment(idOf(page));
      const sent = (await creations()).filter(({ body }) => body.referenceId === referenceId);
      const made = JSON.parse((await service.simulator('GET', '/simulator/payments')).text).filter(
        (payment: GatewayPayment) => payment.referenceId === referenceId,
      );
      expect([sent.length, made.length]).toEqual([1, 1]);
    });

    it('pays an order with it whose other card was declined', async () => {
      const page = await newPage();
      await payOnThePage(page, DECLINED_CARD);
      await says(page, 'The payment was not made');
      const first = idOf(page);
      await choose(page, /^Your saved card/);
      await press(page, 'Pay another way');
      await says(page, THANKS);
      const [order, again] = await Promise.all([gatewayPayment(first), gatewayPayment(idOf(page))]);
      expect(again.referenceId).toBe(`${order.referenceId}~2`);
    });

    it('lets the bank ask the holder of a saved card', async () => {
      const page = await newPage();
      await payOnThePage(page, SECURE_CARD);
      await press(page, /^Yes/);
      await says(page, THANKS);
      await payBySavedCard(page);
      await page.getByText('ending in 0002').waitFor();
      await press(page, /^Yes/);
      await says(page, THANKS);
    });

    it('subscribes, is charged for the next months, and cancels', async () => {
      const page = await newPage({ viewport: PHONE, hasTouch: true, isMobile: true });
      const seen = traffic(page);
      await page.goto(service.apiUrl);
      await choose(page, 'Bank transfer');
      await choose(page, /^Coffee subscription/);
      expect(await page.getByRole('radio', { name: 'Bank transfer' }).isVisible()).toBe(false);
      await choose(page, 'Card, on the payment page');
      await press(page, 'Subscribe for €11.50 a month');
      await press(page, CARD);
      await says(page, THANKS);
      await page.getByText('It goes on every month').waitFor();
      for (const month of [2, 3]) {
        await press(page, 'Simulate the next month');
        await page
          .locator('#subscription dl > div', { hasText: `Month ${month}` })
          .getByText('€11.50, paid')
          .waitFor();
      }
      expect(await scrollsSideways(page)).toBe(false);
      await press(page, 'Cancel the subscription');
      await page.getByText('It is cancelled').waitFor();
      expect(await page.getByRole('button', { name: 'Simulate the next month' }).isVisible()).toBe(false);
      await page.reload();
      await page.getByText('It is cancelled').waitFor();

      const first = idOf(page);
      await vi.waitFor(async () => {
        const cycles = (await service.items()).filter((item) => item.parentPaymentId === first);
        expect(cycles.map(({ state, amount }) => [state, amount])).toEqual([
          ['COMPLETED', '11.5'],
          ['COMPLETED', '11.5'],
        ]);
      });
      const { recurringToken = '' } = await gatewayPayment(first);
      expect(recurringToken).not.toBe('');
      expect((await Promise.all(seen)).join('\n')).not.toContain(recurringToken);
    });

    it('says so when the subscription cannot be cancelled now', async () => {
      const page = await newPage({}, /status of 503/);
      await page.goto(service.apiUrl);
      await choose(page, /^Coffee subscription/);
      await press(page, /^Subscribe/);
      await press(page, CARD);
      await page.getByText('It goes on every month').waitFor();
      // Neither when it is told, nor when it is asked.
      for (const _ of [1, 2, 3]) await fault('subscriptions', '500');
      await press(page, 'Cancel the subscription');
      await page.getByText('This does not work at the moment.').waitFor();
      await service.clearFaults();
      await press(page, 'Cancel the subscription');
      await page.getByText('It is cancelled').waitFor();
    });
  });
});
