/** What the contenders are given: webhooks, batches of the queue, and payments in the table. */
import { createHmac, randomUUID } from 'node:crypto';
import { SECRET } from './aws.ts';

/** An id as paytech makes them. */
export const paymentId = () => randomUUID().replaceAll('-', '');

/** paytech's payment object, of the usual size. */
export function paymentObject(id: string, state: string): string {
  return JSON.stringify({
    id,
    referenceId: `order-${id}`,
    created: '2026-11-23T14:12:54',
    paymentType: 'DEPOSIT',
    state,
    description: 'Two tickets, row 7, seats 11 and 12',
    paymentMethod: 'BASIC_CARD',
    paymentMethodDetails: {
      customerAccountNumber: '400000******0408',
      cardholderName: 'Jane Doe',
      cardExpiryMonth: '11',
      cardExpiryYear: '2030',
      cardBrand: 'VISA',
      cardIssuingCountryCode: 'DE',
    },
    amount: 11.12,
    currency: 'EUR',
    customer: { referenceId: 'customer-1', firstName: 'Jane', lastName: 'Doe', email: 'jane@example.com' },
    billingAddress: { addressLine1: 'Street 1', city: 'Berlin', countryCode: 'DE', postalCode: '10115' },
    externalId: '8a82944a',
    externalResultCode: '00',
    shopName: 'shop',
    terminalName: 'terminal',
  });
}

/** A signed webhook as API Gateway hands it over. */
export function webhook(body = paymentObject(paymentId(), 'COMPLETED'), key = SECRET) {
  return {
    version: '2.0',
    routeKey: 'POST /webhooks/paytech',
    headers: {
      'content-type': 'application/json',
      signature: createHmac('sha256', key).update(body).digest('hex'),
    },
    requestContext: { requestId: randomUUID(), routeKey: 'POST /webhooks/paytech' },
    body,
    isBase64Encoded: false,
  };
}

/** An order of a storefront's browser, as API Gateway hands it over. */
export function order() {
  return {
    version: '2.0',
    routeKey: 'POST /payments',
    headers: { 'content-type': 'application/json' },
    requestContext: {
      requestId: randomUUID(),
      routeKey: 'POST /payments',
      http: { method: 'POST', path: '/payments', sourceIp: '192.0.2.1' },
    },
    body: JSON.stringify({
      referenceId: `order-${paymentId()}`,
      amount: 11.12,
      currency: 'EUR',
      paymentMethod: 'BASIC_CARD',
      description: 'Two tickets, row 7, seats 11 and 12',
      customer: { email: 'jane@example.com', locale: 'en' },
    }),
    isBase64Encoded: false,
  };
}

/** A browser's look at a payment. */
export function look(id: string) {
  return {
    version: '2.0',
    routeKey: 'GET /payments/{id}',
    headers: {},
    requestContext: { requestId: randomUUID(), routeKey: 'GET /payments/{id}' },
    pathParameters: { id },
    isBase64Encoded: false,
  };
}

/** A batch of the webhook queue that brings each payment into `state`. */
export function batch(ids: string[], state: string) {
  return { Records: ids.map((id) => message(paymentObject(id, state))) };
}

function message(body: string) {
  const text = (stringValue: string) => ({ stringValue, dataType: 'String' });
  return {
    messageId: randomUUID(),
    receiptHandle: 'handle',
    body: Buffer.from(body).toString('base64'),
    attributes: {},
    messageAttributes: {
      schema: text('1'),
      source: text('webhook'),
      receivedAt: text('2026-11-23T14:12:55.000Z'),
      requestId: text(randomUUID()),
      signatureKey: text('aabbccdd'),
      signatureEncoding: text('hex'),
    },
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:eu-central-1:000000000000:webhooks',
    awsRegion: 'eu-central-1',
  };
}
