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
    domain: {
      name: 'pay.shop.example',
      certificateArn: 'arn:aws:acm:eu-west-1:123456789012:certificate/11111111-2222-3333-4444-555555555555',
      hostedZone: { id: 'Z0123456789ABCDEFGHIJ', name: 'shop.example' },
    },
    defaultEndpoint: 'off',
    tableWriteLimit: 4_000,
    savedQueries: true,
    dataKeyArn: 'arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555',
    topicKeyArn: 'arn:aws:kms:eu-west-1:123456789012:key/66666666-7777-8888-9999-000000000000',
    subscriberAccounts: ['210987654321'],
    operatorRoles: ['arn:aws:iam::123456789012:role/operator'],
    alarmEmails: ['on-call@shop.example'],
    logRetentionDays: 90,
    paymentRetentionDays: 400,
  });
  const folder = mkdtempSync(join(tmpdir(), 'paytech-lint-'));
  const file = join(folder, 'template.json');
  writeFileSync(file, JSON.stringify(template.toJSON()));
  const { code, output } = await lintTemplate(python!, file);
  rmSync(folder, { recursive: true });
  expect(output).toBe('');
  expect(code).toBe(0);
}, 240_000);
