/** The example of a merchant's own stack. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OrdersStack } from '../../infra/example/orders-stack.ts';
import { ShopStack } from '../../infra/example/shop-stack.ts';
import { bundleFunctions } from '../../infra/stack/bundle.ts';
import { SettingsError } from '../../infra/stack/settings.ts';
import { resources, settingsOf, target, violationsOf } from './synthesized.ts';

const outdir = mkdtempSync(join(tmpdir(), 'paytech-example-'));
const app = new App({ outdir, context: { 'aws:cdk:enable-path-metadata': true } });
let template: Template;
beforeAll(async () => {
  await bundleFunctions();
  template = Template.fromStack(new ShopStack(app, 'shop'));
}, 240_000);
afterAll(() => rmSync(outdir, { recursive: true, force: true }));

test('has the service, set up by what differs from the defaults', () => {
  const functions = resources(template, 'AWS::Lambda::Function');
  expect(Object.keys(functions)).toEqual(
    expect.arrayContaining(['create-payment', 'reconcile', 'subscriber']),
  );
  expect(settingsOf(template, 'create-payment')).toMatchObject({
    paytechUrl: 'https://engine-sandbox.pay.tech',
    orderTokens: 'required',
    allowedOrigins: ['https://shop.example'],
  });
  template.hasOutput('WebhookUrl', {});
});

test('gives the subscriber its queue, one table and the right to write to that', () => {
  const sources = Object.values(resources(template, 'AWS::Lambda::EventSourceMapping'));
  const ofQueue = sources.find(
    ({ Properties }) => target(template, Properties.EventSourceArn) === 'order-payments',
  );
  expect(ofQueue?.Properties).toMatchObject({ FunctionResponseTypes: ['ReportBatchItemFailures'] });
  expect(target(template, ofQueue?.Properties.FunctionName)).toBe('subscriber');
  const queue = resources(template, 'AWS::SQS::Queue')['order-payments']!.Properties;
  expect(queue.VisibilityTimeout).toBe(6 * 30);
  expect(target(template, queue.RedrivePolicy.deadLetterTargetArn)).toBe('order-payments-dlq');
  const subscriptions = Object.values(template.findResources('AWS::SNS::Subscription'));
  const own = subscriptions.find(
    ({ Properties }) => target(template, Properties.Endpoint) === 'order-payments',
  );
  expect(own?.Properties.FilterPolicy).toEqual({ paymentType: ['DEPOSIT'] });
});

test('cdk-nag AwsSolutions finds nothing in it', () => {
  expect(violationsOf(app)).toEqual([]);
});

test('its subscriber alone needs nothing but the topic’s ARN', () => {
  const alone = new App({ outdir: join(outdir, 'alone'), context: { 'aws:cdk:enable-path-metadata': true } });
  const topic = 'arn:aws:sns:eu-west-1:123456789012:payment-events';
  const orders = Template.fromStack(new OrdersStack(alone, 'orders', { topic }));
  expect(Object.keys(resources(orders, 'AWS::Lambda::Function'))).toEqual(['subscriber']);
  expect(violationsOf(alone)).toEqual([]);
});

test('a wrong setting stops it, by name', () => {
  const wrong = () => new ShopStack(new App(), 'wrong', { payments: { reconcileMinutes: 0 } });
  expect(wrong).toThrow(SettingsError);
  expect(wrong).toThrow('reconcileMinutes');
});
