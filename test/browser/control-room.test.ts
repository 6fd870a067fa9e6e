import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Service, startService } from '../support/service.ts';
import { describeInBrowser, PHONE, scrollsSideways, seriousFindings, useBrowser } from './browser.ts';

/** The control room: a payment's way is seen as it happens, and can be disturbed. */

describeInBrowser('the control room', () => {
  const newPage = useBrowser();
  let service: Service;
  beforeAll(async () => {
    service = await startService({ controlRoom: true });
  });
  afterAll(() => service?.stop());

  async function create(): Promise<{ id: string; referenceId: string }> {
    const referenceId = `order-${crypto.randomUUID()}`;
    const order = JSON.stringify({ referenceId, amount: 39.9, currency: 'EUR' });
    return (await service.api('POST', '/payments', order)).json() as never;
  }
  async function open(page: Page, id = ''): Promise<Page> {
    await page.goto(`${service.apiUrl}/control-room#${id}`);
    await page.getByRole('heading', { name: 'Payments' }).waitFor();
    return page;
  }
  const happened = (page: Page, what: RegExp) => page.locator('.timeline summary', { hasText: what });
  const press = (page: Page, name: string) => page.getByRole('button', { name }).click();
  const choose = (page: Page, label: string, state: string) =>
    page.getByRole('combobox', { name: label }).selectOption(state);

  it('shows a payment’s way from the claim to the event, whose JSON can be read', async () => {
    const { id } = await create();
    const page = await open(await newPage(), id);
    await happened(page, /Version 1: CHECKOUT/).waitFor();
    await choose(page, 'paytech makes it', 'COMPLETED');
    await press(page, 'Drive');
    await happened(page, /paytech.payment.completed/).click();
    for (const what of [
      /Attempt 1 of/,
      /POST \/api/,
      /Says COMPLETED, delivery 1/,
      /Verified and queued/,
      /Version 2: COMPLETED/,
    ])
      expect(await happened(page, what).count()).toBe(1);
    expect(await page.locator('.stations .reached').count()).toBe(6);
    expect(await page.locator('details[open] pre').textContent()).toContain(`"id": "${id}:2"`);
    // It has a queue of its own.
    expect(await service.eventsOf(id)).toHaveLength(1);
  });

  it('lets a signed webhook lie, which is quarantined, and sends one again', async () => {
    const { id } = await create();
    await service.simulator('POST', `/simulator/payments/${id}/pay`, { state: 'DECLINED' });
    const page = await open(await newPage(), id);
    await happened(page, /Version 2: DECLINED/).waitFor();
    await choose(page, 'A signed webhook lies', 'COMPLETED');
    await press(page, 'Contradict');
    await happened(page, /Quarantined: COMPLETED/).waitFor();
    await press(page, 'Resend the webhook');
    await happened(page, /Says DECLINED, delivery 1/)
      .nth(1)
      .waitFor();
    expect(await service.item(`payment#${id}`)).toMatchObject({ state: 'DECLINED', version: '2' });
  });

  it('sets a fault and clears it', async () => {
    const page = await open(await newPage());
    await page.getByRole('combobox', { name: 'call and fault' }).selectOption('create 429');
    await press(page, 'Set');
    await page.getByText('Done.').waitFor();
    const cleared = page.waitForResponse('**/control-room/simulator/faults');
    await press(page, 'Clear all');
    expect((await cleared).status()).toBe(204);
    expect((await create()).id).toMatch(/^\w{32}$/);
  });

  it('follows the link from an order', async () => {
    const { id, referenceId } = await create();
    await create();
    const page = await newPage();
    await page.goto(`${service.apiUrl}/order?payment=${id}`);
    await page.getByRole('link', { name: 'See this payment in the control room' }).click();
    await page.getByRole('heading', { name: referenceId }).waitFor();
  });

  it.each(['light', 'dark'] as const)(
    'can be used by everybody, in %s and on a phone',
    async (colorScheme) => {
      const { id } = await create();
      const page = await open(await newPage({ colorScheme, viewport: PHONE }), id);
      await happened(page, /Version 1/).click();
      expect(await seriousFindings(page)).toEqual([]);
      expect(await scrollsSideways(page)).toBe(false);
    },
  );
});
