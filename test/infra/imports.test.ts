/** The lint rule that keeps imports running one way: infra → functions → shared → shared/payment. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const cases: [from: string, imported: string, allowed: boolean][] = [
  ['infra/a.ts', '../functions/get-payment/index.ts', true],
  ['infra/b.ts', '../test/support/x.ts', false],
  ['functions/get-payment/a.ts', '../../shared/store/x.ts', true],
  ['functions/get-payment/b.ts', '../../infra/app.ts', false],
  ['shared/store/a.ts', '../payment/state.ts', true],
  ['shared/store/b.ts', '../../functions/get-payment/index.ts', false],
  ['shared/store/c.ts', '../../infra/app.ts', false],
  ['shared/payment/a.ts', './money.ts', true],
  ['shared/payment/b.ts', 'zod/mini', true],
  ['shared/payment/c.ts', '../store/x.ts', false],
  ['shared/payment/d.ts', 'node:fs', false],
  ['shared/payment/e.ts', '@aws-sdk/client-sqs', false],
  ['shared/payment/f.ts', '../../functions/get-payment/index.ts', false],
];

const folder = mkdtempSync(join(tmpdir(), 'paytech-imports-'));
let refused: Set<string>;

beforeAll(async () => {
  // The project's own rules, away from the project, so that no other run of the linter sees these files.
  const rules = { ...JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8')), vcs: { enabled: false } };
  writeFileSync(join(folder, 'biome.json'), JSON.stringify({ ...rules, $schema: undefined }));
  for (const [path, imported] of cases) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), `export * from '${imported}';\n`);
  }
  const args = ['lint', '--reporter=json', '--max-diagnostics=none', '.'];
  const biome = join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');
  const output = await new Promise<string>((resolve) => {
    execFile(process.execPath, [biome, ...args], { cwd: folder }, (_error, stdout) => resolve(stdout));
  });
  const { diagnostics } = JSON.parse(output);
  refused = new Set(
    diagnostics
      .filter(({ category }: { category: string }) => category === 'lint/style/noRestrictedImports')
      .map(({ location }: { location: { path: string | { file: string } } }) =>
        typeof location.path === 'string' ? location.path : location.path.file,
      ),
  );
}, 240_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each(cases)('%s importing %s: allowed %s', (from, _imported, allowed) => {
  expect(!refused.has(from)).toBe(allowed);
});
