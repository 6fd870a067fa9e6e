import { readCreateRequest } from '../../functions/create-payment/request.ts';
import { Problem } from '../../shared/http/problem.ts';
import { parseJson } from '../../shared/payment/json.ts';

const ORIGINS = ['https://shop.example', 'http://localhost:3000'];

export const VALID = {
  referenceId: 'order:2026/03/01-a_b.c',
  amount: 11.12,
  currency: 'EUR',
  paymentType: 'DEPOSIT',
  paymentMethod: 'BASIC_CARD',
  description: 'A chair',
  returnUrl: 'https://shop.example/back/{id}?ref={referenceId}&state={state}&type={type}#done',
  preAuth: true,
  additionalParameters: { colour: 'red', empty: '' },
  checkoutStyle: 'dark',
  customer: {
    referenceId: 'c-1',
    firstName: 'Jane',
    lastName: 'Doe',
    email: 'jane@example.com',
    phone: '44 02072243688',
    dateOfBirth: '1990-12-31',
    citizenshipCountryCode: 'GB',
    locale: 'en',
    accountNumber: '1234',
    accountName: 'Jane Doe',
    accountType: 'SAVINGS',
    bank: 'A bank',
    bankCode: 'A',
    bankBranch: 'B',
    bankBranchCode: 'C',
    documentType: 'AR_DNI',
    documentNumber: '5',
    routingGroup: 'vip',
    kycStatus: true,
    paymentInstrumentKycStatus: 'PASSED',
    dateOfFirstDeposit: '2020-01-01',
    depositsAmount: 1000.5,
    withdrawalsAmount: 0,
    depositsCnt: 3,
    withdrawalsCnt: 0,
  },
  billingAddress: {
    addressLine1: '1 Long Street',
    addressLine2: 'Flat 2',
    city: 'London',
    countryCode: 'GB',
    postalCode: 'N1 1AA',
    state: 'London',
  },
};

export type Json = Record<string, unknown>;

/** The body with `path` set to `value`; undefined takes the field out. */
export function withField(path: string, value: unknown, base: Json = VALID): Json {
  const [first = '', ...rest] = path.split('.');
  if (rest.length === 0) return { ...base, [first]: value };
  return { ...base, [first]: withField(rest.join('.'), value, base[first] as Json) };
}

export const readText = (text: string) => readCreateRequest(parseJson(text), ORIGINS);

export const read = (json: unknown) => readText(JSON.stringify(json));

/** The Problem that reading throws. */
export function problemOf(reading: () => unknown): Problem {
  try {
    reading();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('the body was accepted');
}
