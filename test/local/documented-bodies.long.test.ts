import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LocalRunService, startLocalService } from '../support/service.ts';

/** The deposits that paytech's documentation describes, as a storefront would send them here. */

let service: LocalRunService;
beforeAll(async () => {
  service = await startLocalService();
});
afterAll(() => service.stop());

const customer = {
  referenceId: 'customer_123',
  firstName: 'Harry',
  lastName: 'Potter',
  email: 'harry@example.com',
  phone: '44 02072243688',
};
const billingAddress = {
  addressLine1: '211, Victory street, office 7',
  city: 'Hogwarts',
  countryCode: 'GB',
  postalCode: '01001',
  state: 'CA',
};

const BODIES: [string, Record<string, unknown>][] = [
  [
    'a card by redirect',
    {
      currency: 'EUR',
      paymentMethod: 'BASIC_CARD',
      description: 'Deposit for customer_123',
      customer: { ...customer, dateOfBirth: '1988-02-23', citizenshipCountryCode: 'AU', locale: 'ru' },
      billingAddress,
      preAuth: false,
    },
  ],
  [
    'a customer with a history',
    {
      currency: 'EUR',
      customer: {
        ...customer,
        kycStatus: true,
        paymentInstrumentKycStatus: true,
        dateOfFirstDeposit: '2021-02-23',
        depositsAmount: 5000,
        withdrawalsAmount: 1000,
        depositsCnt: 5000,
        withdrawalsCnt: 1000,
      },
    },
  ],
  [
    'PIX',
    {
      currency: 'BRL',
      paymentMethod: 'PIX',
      customer: { ...customer, documentType: 'BR_CPF', documentNumber: '12345678909' },
    },
  ],
  [
    'SPEI',
    {
      currency: 'MXN',
      paymentMethod: 'SPEI',
      customer: { ...customer, accountNumber: '646180157000000004' },
    },
  ],
  ['UPI', { currency: 'INR', paymentMethod: 'UPI', customer: { ...customer, accountNumber: 'harry@upi' } }],
  [
    'a bank transfer',
    {
      currency: 'ARS',
      paymentMethod: 'BANKTRANSFER',
      customer: {
        ...customer,
        accountName: 'Harry Potter',
        accountNumber: '0123456789',
        accountType: 'SAVINGS',
        bank: 'ALFA',
        bankCode: 'BASPPHMM',
        bankBranch: 'branch',
        bankBranchCode: 'branch-1',
        routingGroup: 'VIP',
      },
    },
  ],
  [
    'crypto',
    {
      currency: 'USDT',
      paymentMethod: 'CRYPTO',
      additionalParameters: { cryptoNetwork: 'TRC20', countryOfBirth: 'CY' },
    },
  ],
];

it.each(BODIES)('%s passes to paytech unchanged', async (_, fields) => {
  const body = { paymentType: 'DEPOSIT', referenceId: `order-${randomUUID()}`, amount: 11.12, ...fields };
  const answer = await service.api('POST', '/payments', JSON.stringify(body));
  expect(answer.status, answer.text).toBe(201);
  const requests = JSON.parse((await service.simulator('GET', '/simulator/requests')).text);
  const sent = requests.map((each: { body: object | null }) => each.body);
  expect(sent).toContainEqual({
    ...body,
    webhookUrl: `${service.apiUrl}/webhooks/paytech/local-stack`,
    customer: { ...(fields.customer as object), ip: '127.0.0.1' },
  });
});

it.each([
  ['card', { cardNumber: '4000000000000408', cvv: '123' }],
  ['googlePay', { paymentToken: 'planted-token' }],
  ['applePay', { paymentToken: 'planted-token' }],
])('%s is refused by name', async (field, value) => {
  const body = { referenceId: `order-${randomUUID()}`, amount: 11.12, currency: 'EUR', [field]: value };
  const answer = await service.api('POST', '/payments', JSON.stringify(body));
  expect(answer.status).toBe(400);
  expect(answer.json()).toMatchObject({ code: 'request.invalid', errors: [{ field }] });
  expect(answer.text + service.logs.join('\n')).not.toMatch(/4000000000000408|planted/);
});
