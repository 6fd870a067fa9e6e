import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { LOCAL_KEYS } from '../../infra/local/local-service.ts';
import { sign } from '../../shared/paytech/signature.ts';
import {
  type DocumentedService,
  differenceToDocument,
  newId,
  startDocumentedService,
  tokenFor,
} from '../support/openapi-service.ts';

/** Every answer that openapi.json documents for storefronts and for paytech, over HTTP. */

const CREATE = 'POST /payments';
const GET = 'GET /payments/{id}';
const EXECUTE = 'PATCH /payments/{id}';
const WEBHOOK = 'POST /webhooks/paytech';
const CHARGEBACKS = 'POST /webhooks/paytech/chargebacks';

let service: DocumentedService;
beforeAll(async () => {
  service = await startDocumentedService();
});
afterAll(() => service?.stop());

const create = (fields: object = {}, orderToken = tokenFor(newId())) =>
  service.call(CREATE, { body: { orderToken, ...fields }, unsigned: true });
const get = (id: string) => service.call(GET, { at: { id } });
const execute = (id: string, body?: object) => service.call(EXECUTE, { at: { id }, ...(body && { body }) });
const created = async (fields: object = {}, orderToken?: string) =>
  (await create(fields, orderToken)).json.id;

describe('our own faults', () => {
  it('are a 500 that reveals nothing', async () => {
    const broken = { pk: 'payment#broken', id: 'broken', paymentType: 'DEPOSIT', state: 'CHECKOUT' };
    await service.table.put({ ...broken, version: 1, history: [] }, ['attribute_not_exists(pk)']);
    service.breakSecrets();
    const answers = [
      await create(),
      await service.call(WEBHOOK, { body: '{}' }),
      await service.call(CHARGEBACKS, { body: '{}' }),
      await get('broken'),
      await execute('broken'),
    ];
    service.restoreSecrets();
    expect(answers.map(({ code }) => code)).toEqual(Array(answers.length).fill('internal'));
  });
});

describe(CREATE, () => {
  it('201, then 200', async () => {
    const token = tokenFor(newId());
    expect(await create({}, token)).toMatchObject({ status: 201 });
    expect(await create({}, token)).toMatchObject({ status: 200 });
  });

  it('400', async () => {
    expect(await service.call(CREATE, { body: 'not JSON' })).toMatchObject({ code: 'request.invalid' });
    expect(await create({ colour: 'red', customer: { ip: '127.0.0.1' } })).toMatchObject({
      code: 'request.invalid',
    });
  });

  it('401', async () => {
    expect(await service.call(CREATE, { body: {} })).toMatchObject({ code: 'order.token_required' });
    expect(await create({}, tokenFor(newId(), { exp: 1 }))).toMatchObject({ code: 'order.token_invalid' });
  });

  it('409', async () => {
    const referenceId = newId();
    await create({}, tokenFor(referenceId));
    const conflict = await create({}, tokenFor(referenceId, { amount: '11.13' }));
    expect(conflict).toMatchObject({ code: 'payment.reference_conflict' });
    expect(await create({ amount: 1 })).toMatchObject({ code: 'order.token_conflict' });

    await service.fault('create', 'slow');
    const slowOrder = newId();
    const slow = create({}, tokenFor(slowOrder));
    await vi.waitFor(async () => expect(await service.item(`deposit#${slowOrder}`)).toBeDefined());
    expect(await create({}, tokenFor(slowOrder))).toMatchObject({ code: 'payment.in_progress' });
    await slow;
  });

  it('422', async () => {
    expect(await create({ customer: { phone: '4402072243688' } })).toMatchObject({
      code: 'gateway.rejected',
    });
  });

  it('503', async () => {
    await service.fault('create', 'reset');
    expect(await create()).toMatchObject({ code: 'payment.outcome_unknown' });
    await service.fault('create', '429');
    expect(await create()).toMatchObject({ code: 'gateway.unavailable' });
  });
});

describe(GET, () => {
  it('200 while it is open, when it is paid, and when it has failed with a message for the customer', async () => {
    const [open, paid, failed] = [await created(), await created(), await created()];
    expect(await get(open)).toMatchObject({ status: 200, json: { state: 'CHECKOUT' } });
    await service.drive(paid, 'COMPLETED');
    await service.drive(failed, 'DECLINED', { errorCode: '4.01', errorMessage: 'NSF' });
    await service.until(paid, 'COMPLETED');
    await service.until(failed, 'DECLINED');
    expect((await get(paid)).json).toMatchObject({ final: true, paidAsRequested: true });
    expect((await get(failed)).json).toMatchObject({
      errorCode: '4.01',
      errorMessage: expect.any(String),
      retry: 'retry-with-other-method',
    });
  });

  it('404', async () => {
    expect(await get('nobody')).toMatchObject({ status: 404, code: 'payment.not_found' });
  });
});

describe(EXECUTE, () => {
  const createdFor = (paymentMethod: string) => created({ paymentMethod });

  it('200 with what to show the customer', async () => {
    const executed = await execute(await createdFor('PIX'), { browserLanguage: 'pt' });
    expect(executed).toMatchObject({ status: 200, json: { externalRefs: expect.any(Object) } });
  });

  it('400, 404 and 422', async () => {
    const id = await createdFor('BASIC_CARD');
    expect(await execute(id, { customerIp: '127.0.0.1' })).toMatchObject({ code: 'request.invalid' });
    expect(await execute('nobody')).toMatchObject({ code: 'payment.not_found' });
    expect(await execute(id)).toMatchObject({ code: 'gateway.rejected' });
  });

  it('409', async () => {
    const paid = await createdFor('PIX');
    await service.drive(paid, 'COMPLETED');
    await service.until(paid, 'COMPLETED');
    expect(await execute(paid)).toMatchObject({ code: 'payment.state_conflict' });

    const authorized = await created({}, tokenFor(newId(), { payment: { preAuth: true } }));
    await service.drive(authorized, 'AUTHORIZED');
    await service.until(authorized, 'AUTHORIZED');
    await service.fault('capture', 'reset');
    const capture = 'POST /operations/payments/{id}/capture';
    await service.call(capture, { at: { id: authorized } });
    expect(await execute(authorized)).toMatchObject({ code: 'operation.conflict' });
  });

  it('503, then 409 until that is known', async () => {
    const id = await createdFor('PIX');
    await service.fault('patch', '429');
    expect(await execute(id)).toMatchObject({ code: 'gateway.unavailable' });
    await service.fault('patch', 'reset');
    expect(await execute(id)).toMatchObject({ code: 'payment.outcome_unknown' });
    expect(await execute(id)).toMatchObject({ code: 'operation.in_progress' });
  });
});

describe.each([WEBHOOK, CHARGEBACKS])('%s', (route) => {
  it('200', async () => {
    const body = '{"id":"a","state":"COMPLETED","paymentType":"DEPOSIT","amount":1,"currency":"EUR"}';
    const headers = { Signature: sign(Buffer.from(body), LOCAL_KEYS.signingKey) };
    expect(await service.call(route, { body, headers })).toMatchObject({ status: 200 });
  });

  it('401 and 413', async () => {
    expect(await service.call(route, { body: '{}' })).toMatchObject({ code: 'webhook.signature_invalid' });
    const large = ' '.repeat(256 * 1024 + 1);
    expect(await service.call(route, { body: large })).toMatchObject({ code: 'webhook.too_large' });
  });
});

it('no more and no less is documented than was seen here', () => {
  const elsewhere = [
    // With order tokens off only; test/integration/create-payment.test.ts has the others.
    ...['403', '409 payment.under_way', '409 claim.flagged'].map((end) => `${CREATE} ${end}`),
    // test/integration/cloud-front.test.ts has them.
    ...[CREATE, EXECUTE].map((route) => `${route} 403 cloudfront.required`),
  ];
  const isOurs = (answer: string) => !answer.includes(' /operations/') && !elsewhere.includes(answer);
  expect(differenceToDocument(isOurs)).toEqual({ unseen: [], undocumented: [] });
});
