import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundleFunctions } from '../../infra/stack/bundle.ts';
import { functionNames } from '../../infra/stack/settings.ts';
import { loadedCode } from '../support/loaded-code.ts';

const outdir = mkdtempSync(join(tmpdir(), 'paytech-bundles-'));
afterAll(() => rmSync(outdir, { recursive: true, force: true }));

let names: string[];
beforeAll(async () => {
  names = await bundleFunctions(outdir);
}, 240_000);

test('every function gets its folder', () => {
  expect(names).toEqual([...functionNames].sort());
  for (const name of functionNames) expect(existsSync(join(outdir, name, 'index.mjs')), name).toBe(true);
});

/** In KB, gzip. The others carry the SDK's client of DynamoDB, which is more than half of theirs. */
const LIMITS: Record<string, number> = { 'receive-webhook': 45, others: 165 };

describe('what a cold start loads', () => {
  test.each(functionNames)(
    'of %s stays small, and is not undici',
    async (name) => {
      const { gzipBytes, builtIns } = await loadedCode(name, outdir);
      expect(gzipBytes / 1024).toBeLessThan(LIMITS[name] ?? LIMITS.others!);
      expect(builtIns.filter((builtIn) => builtIn.includes('undici'))).toEqual([]);
    },
    240_000,
  );

  test('of receive-webhook has no zod', async () => {
    const { code } = await loadedCode('receive-webhook', outdir);
    expect(code).toContain('SendMessage');
    expect(code).not.toContain('zod');
  }, 240_000);
});
