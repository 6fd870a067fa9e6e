/** The React components of infra/example/storefront in a shop's own app: strictly typed, built, and used by a customer. */
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { mustRun } from '../../infra/rehearsal/run.ts';
import { describeInBrowser, useBrowser } from '../browser/browser.ts';
import { type ExampleShop, openShop } from '../browser/example-shop.ts';
import { root } from '../support/documents.ts';
import { type Service, startService } from '../support/service.ts';

const CARD = /4000 0000 0000 0408/;
const DECLINED_CARD = /4000 0000 0000 0416/;
const PAGE = '<!doctype html><title>Shop</title><link rel="icon" href="data:,"><div id="root"></div>';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'react-'));
  const parts = ['infra/example/storefront', 'shared/storefront', 'test/clients/react'];
  for (const part of parts) await cp(join(root, part), folder, { recursive: true });
  await symlink(join(root, 'test/clients/node_modules'), join(folder, 'node_modules'));
});
afterAll(() => rm(folder, { recursive: true }));

it('are strictly typed', async () => {
  await mustRun('tsc', ['--project', folder]);
});

describeInBrowser('the React components', () => {
  const newPage = useBrowser();
  let service: Service;
  let shop: ExampleShop;
  beforeAll(async () => {
    const { outputFiles } = await build({
      entryPoints: [join(folder, 'page.tsx')],
      bundle: true,
      format: 'esm',
      define: { 'process.env.NODE_ENV': '"development"' },
      write: false,
    });
    shop = await openShop(async (path) =>
      path === '/page.js'
        ? outputFiles[0]!.text.replaceAll('<ApiUrl>', service.apiUrl)
        : `${PAGE}<script type="module" src="/page.js"></script>`,
    );
    service = await startService({ orderTokens: 'required', pageOrigins: [shop.url] });
  });
  afterAll(async () => {
    shop?.close();
    await service?.stop();
  });
  beforeEach(() => shop.placeOrder());

  const says = (page: Page, text: string) => page.getByRole('status').filter({ hasText: text }).waitFor();
  const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).click();
  const idOf = (page: Page) => new URL(page.url()).searchParams.get('payment');

  it('take a payment after a declined one, and say of a paid order that it is paid', async () => {
    const page = await newPage();
    await page.goto(shop.url);
    await press(page, 'Pay');
    await press(page, DECLINED_CARD);
    await page.getByRole('link', { name: 'Try again' }).click();
    await press(page, 'Pay');
    await press(page, CARD);
    await says(page, 'Thank you, we have received €11.12.');
    const id = idOf(page);
    await page.goto(shop.url);
    await press(page, 'Pay');
    await says(page, 'Thank you, we have received €11.12.');
    expect(idOf(page)).toBe(id);
  });

  it('lead back to the payment page', async () => {
    const page = await newPage();
    await page.goto(shop.url);
    await press(page, 'Pay');
    await page.waitForURL('**/checkout/*');
    await page.goto(`${shop.url}/thanks?payment=${page.url().split('/').at(-1)}`);
    await says(page, 'We have not received your payment yet.');
    await page.getByRole('link', { name: 'Go to the payment page' }).click();
    await page.waitForURL('**/checkout/*');
  });

  it('say that they do not know a payment, or that none is named', async () => {
    const page = await newPage({}, /status of 404/);
    for (const query of ['', '?payment=', '?payment=nobody']) {
      await page.goto(`${shop.url}/thanks${query}`);
      await says(page, 'We do not know this payment.');
    }
  });
});
