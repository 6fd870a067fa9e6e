import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lintTemplate } from '../../infra/rehearsal/lint.ts';
import { installedPython } from '../../infra/rehearsal/python.ts';
import { synthesize } from './synthesized.ts';

test('cfn-lint has nothing against the template with every option', async ({ skip }) => {
  const python = installedPython();
  skip(python === undefined, 'cfn-lint is not installed: "npm run rehearse" installs it, and runs it too');
  const { template } = await synthesize({
    stage: 'sandbox',
    hostToHost: true,
    allowedOrigins: ['https://shop.example'],
    subscribers: [{ name: 'ledger', filter: { state: ['COMPLETED'] } }, { name: 'mail' }],
    webhookBatchSize: 100,
    reservedConcurrency: { 'apply-payment-event': 10 },
  });
  const folder = mkdtempSync(join(tmpdir(), 'paytech-lint-'));
  const file = join(folder, 'template.json');
  writeFileSync(file, JSON.stringify(template.toJSON()));
  const { code, output } = await lintTemplate(python!, file);
  rmSync(folder, { recursive: true });
  expect(output).toBe('');
  expect(code).toBe(0);
}, 240_000);
