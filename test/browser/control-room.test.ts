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

  it('says what to do while there is no payment, and on a phone too', async () => {
    const page = await open(await newPage({ viewport: PHONE }));
    await page.getByRole('link', { name: 'Buy something in the demo shop' }).waitFor();
    await page.getByText('no fault is set').waitFor();
    expect(await scrollsSideways(page)).toBe(false);
    expect(await seriousFindings(page)).toEqual([]);
  });

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

  it('sets faults, lists them, and takes away the one or all', async () => {
    const page = await open(await newPage());
    const armed = page.getByRole('list', { name: 'Set now' }).getByRole('listitem');
    const set = async (call: string, kind: string, times: string) => {
      const count = await armed.count();
      await choose(page, 'Call', call);
      await choose(page, 'What happens', kind);
      await choose(page, 'Times', times);
      await press(page, 'Set');
      await armed.nth(count).waitFor();
    };
    await set('create', '429', '3');
    await set('list', 'lag', 'always');
    await set('create', 'reset', '1');
    expect(await armed.allInnerTexts()).toEqual([
      expect.stringMatching(/create 429\s+3 times/),
      expect.stringMatching(/list lag\s+always\s+a list without what changed/),
      expect.stringMatching(/create reset\s+once/),
    ]);
    await press(page, 'Remove create 429');
    await armed.nth(2).waitFor({ state: 'detached' });
    expect(await (await fetch(`${service.simulatorUrl}/simulator/faults`)).json()).toMatchObject([
      { on: 'list', kind: 'lag' },
      { on: 'create', kind: 'reset' },
    ]);
    await press(page, 'Remove all');
    await page.getByText('no fault is set').waitFor();
    expect((await create()).id).toMatch(/^\w{32}$/);
  });

  it('shows a lost webhook as failed, until one arrives', async () => {
    const { id } = await create();
    await service.simulator('POST', '/simulator/faults', { on: 'webhook', kind: 'drop', times: 1 });
    await service.simulator('POST', `/simulator/payments/${id}/pay`, { state: 'COMPLETED' });
    const page = await open(await newPage(), id);
    const station = (name: string) => page.locator('.stations li', { hasText: name });
    await happened(page, /Says COMPLETED, delivery 1\s+lost/).waitFor();
    expect(await station('Webhook').getAttribute('class')).toBe('broken');
    expect(await station('Webhook').innerText()).toContain('the last failed');
    expect(await station('Queue').getAttribute('class')).toBe('ahead');
    await press(page, 'Resend the webhook');
    await happened(page, /Says COMPLETED, delivery 1\s+answered 200/).waitFor();
    expect(await station('Webhook').getAttribute('class')).toBe('reached');
  });

  it('writes money with the digits of its currency, its end under the end of the next', async () => {
    const ids = [];
    for (const [amount, currency] of [
      ['12.5', 'EUR'],
      ['100000', 'JPY'],
    ]) {
      const order = JSON.stringify({ referenceId: `order-${crypto.randomUUID()}`, amount, currency });
      ids.push((await service.api('POST', '/payments', order)).json().id);
    }
    const page = await open(await newPage(), ids[0]);
    const money = ids.map((id) => page.locator(`nav a[href="#${id}"] .money`));
    await money[1]!.waitFor();
    expect(await Promise.all(money.map((each) => each.innerText()))).toEqual(['12.50 EUR', '100,000 JPY']);
    const ends = await Promise.all(
      money.map((each) => each.evaluate((element) => Math.round(element.getBoundingClientRect().right))),
    );
    expect(ends[0]).toBe(ends[1]);
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
