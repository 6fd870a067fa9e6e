/** The system's Chromium, driven by playwright-core. Without one the tests of `test/browser` are skipped. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import axe from 'axe-core';
import { type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished } from 'vitest';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

const found =
  process.env.CHROMIUM_PATH ??
  (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .find((path) => existsSync(path));
if (!found) console.warn(`Skipped: no ${NAMES.join(', ')} in PATH. Install one, or set CHROMIUM_PATH.`);

/** As `describe`, skipped where there is no browser. */
export const describeInBrowser = describe.skipIf(!found);

export const PHONE = { width: 360, height: 740 };

/** A browser for the file's tests. */
export function useBrowser() {
  let browser: Awaited<ReturnType<typeof chromium.launch>> | undefined;
  beforeAll(async () => {
    if (!found) return;
    // Chromium's sandbox refuses to work for root.
    const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    browser = await chromium.launch({ executablePath: found, args });
  });
  afterAll(() => browser?.close());

  /** A page of its own, on which nothing may go wrong but what `expected` names. */
  return async (options: BrowserContextOptions = {}, expected: RegExp = /^$/): Promise<Page> => {
    const context = await browser!.newContext({ reducedMotion: 'reduce', ...options });
    context.setDefaultTimeout(20_000);
    const page = await context.newPage();
    const wrong: string[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) wrong.push(message.text());
    });
    page.on('pageerror', (error) => wrong.push(String(error)));
    onTestFinished(async () => {
      await context.close();
      expect(wrong.filter((text) => !expected.test(text))).toEqual([]);
    });
    return page;
  };
}

/** What axe finds serious or critical on the page as it is now; what is in its frames is a page of its own. */
export async function seriousFindings(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = (await page.evaluate('axe.run({ iframes: false })')) as axe.AxeResults;
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join('\n')}`);
}

/** Whether the page is wider than the screen. */
export function scrollsSideways(page: Page): Promise<boolean> {
  return page.evaluate('document.documentElement.scrollWidth > innerWidth') as Promise<boolean>;
}
