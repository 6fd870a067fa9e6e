import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type Service, startService } from '../support/service.ts';
import { describeInBrowser, useBrowser } from './browser.ts';
import { type ExampleShop, openShop } from './example-shop.ts';

/** The pages that docs/storefront.md shows, on a port of their own, as a shop has them at an origin of its own. */

const project = join(import.meta.dirname, '../..');
const FOLDERS = ['infra/example/storefront', 'shared/storefront'];
const CARD = /4000 0000 0000 0408/;
const DECLINED_CARD = /4000 0000 0000 0416/;

describeInBrowser('the example pages', () => {
  const newPage = useBrowser();
  let service: Service;
  let shop: ExampleShop;
  beforeAll(async () => {
    shop = await openShop(async (path) => (await fileOf(path))?.replace('<ApiUrl>', service.apiUrl));
    service = await startService({ orderTokens: 'required', pageOrigins: [shop.url] });
  });
  afterAll(async () => {
    shop?.close();
    await service?.stop();
  });
  beforeEach(() => shop.placeOrder());

  const idOf = (page: Page) => new URL(page.url()).searchParams.get('payment') ?? '';
  const drive = (id: string, move: object) =>
    service.simulator('POST', `/simulator/payments/${id}/pay`, move);
  const says = (page: Page, text: string | RegExp) =>
    page.getByRole('status').filter({ hasText: text }).waitFor();
  const isLeftAlone = async (page: Page) => expect(await page.getByRole('link').count()).toBe(0);

  async function atCheckout(page: Page): Promise<string> {
    await page.goto(`${shop.url}/pay.html`);
    await page.getByRole('button', { name: 'Pay' }).click();
    await page.waitForURL('**/checkout/*');
    return new URL(page.url()).pathname.split('/').at(-1)!;
  }
  const back = (page: Page, id: string) => page.goto(`${shop.url}/thanks.html?payment=${id}`);

  it('take a payment', async () => {
    const page = await newPage();
    await atCheckout(page);
    await page.getByRole('button', { name: CARD }).click();
    await says(page, 'Thank you, we have received €11.12.');
    expect(page.url()).toContain(`${shop.url}/thanks.html?payment=`);
    await isLeftAlone(page);
  });

  it('say of an order that was paid already how it stands, and send the customer nowhere else', async () => {
    const page = await newPage();
    const id = await atCheckout(page);
    await drive(id, { state: 'COMPLETED' });
    await page.goto(`${shop.url}/pay.html`);
    await expect
      .poll(async () => (await service.api('GET', `/payments/${id}`)).json().state)
      .toBe('COMPLETED');
    await page.getByRole('button', { name: 'Pay' }).click();
    await says(page, 'Thank you, we have received €11.12.');
    expect(idOf(page)).toBe(id);
  });

  it('offer the payment page again to who comes back without paying, and another try after a decline', async () => {
    const page = await newPage();
    const id = await atCheckout(page);
    await back(page, id);
    await says(page, 'We have not received your payment yet.');
    await page.getByRole('link', { name: 'Go to the payment page' }).click();
    await page.getByRole('button', { name: DECLINED_CARD }).click();
    await page.waitForURL(`${shop.url}/thanks.html?*`);
    await page.getByRole('link', { name: 'Try again' }).click();
    await page.getByRole('button', { name: 'Pay' }).click();
    await page.getByRole('button', { name: CARD }).click();
    await says(page, 'Thank you, we have received €11.12.');
    expect(idOf(page)).not.toBe(id);
  });

  it.each<[string, object, object, RegExp]>([
    ['reserved', { payment: { preAuth: true } }, { state: 'AUTHORIZED' }, /€11\.12 are reserved/],
    ['under way', {}, { state: 'PENDING' }, /We are confirming your payment\. You may close this page/],
    ['paid in part', {}, { state: 'COMPLETED', amount: 5.5 }, /received €5\.50, and your order is €11\.12/],
  ])('say that a payment is %s', async (_, claims, move, text) => {
    const page = await newPage();
    shop.placeOrder(claims);
    const id = await atCheckout(page);
    await drive(id, move);
    await back(page, id);
    await says(page, text);
    await isLeftAlone(page);
  });

  it('say that they do not know a payment, or that none is named', async () => {
    const page = await newPage({}, /status of 404/);
    for (const query of ['', '?payment=', '?payment=nobody', '?payment=undefined']) {
      await page.goto(`${shop.url}/thanks.html${query}`);
      await says(page, 'We do not know this payment.');
      await isLeftAlone(page);
    }
  });
});

async function fileOf(path: string): Promise<string | undefined> {
  for (const folder of FOLDERS) {
    const text = await readFile(join(project, folder, path), 'utf8').catch(() => undefined);
    if (text !== undefined) return text;
  }
  return undefined;
}
