import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { sharedService } from '../support/service.ts';
import { signedHeaders } from '../support/signed.ts';

/** Host-to-host, state on return and the actions of the back office, from outside, against the simulator. */

const service = await sharedService();
beforeEach(() => service.clearFaults());

async function created(fields: Record<string, unknown> = {}): Promise<string> {
  const body = { referenceId: `order-${randomUUID()}`, amount: 100, currency: 'EUR', ...fields };
  const answer = await service.api('POST', '/payments', JSON.stringify(body));
  expect(answer.status, answer.text).toBe(201);
  return String(answer.json().id);
}

const pay = (id: string, how: object) => service.simulator('POST', `/simulator/payments/${id}/pay`, how);
const get = (id: string) => service.api('GET', `/payments/${id}`);
const patch = (id: string, body?: object) =>
  service.api('PATCH', `/payments/${id}`, body && JSON.stringify(body));
const fault = (on: string, kind: string, times = 1) =>
  service.simulator('POST', '/simulator/faults', { on, kind, times });
const record = (id: string) => service.item(`payment#${id}`);
const soon = <T>(check: () => Promise<T>, timeout = 10_000) => vi.waitFor(check, { timeout, interval: 20 });

async function callsOf(id: string, method: string): Promise<Record<string, never>[]> {
  const requests = JSON.parse((await service.simulator('GET', '/simulator/requests')).text);
  return requests.filter((each: Record<string, string>) => each.method === method && each.path?.includes(id));
}

describe('PATCH /payments/{id}', () => {
  it('executes the deposit, and shows the instructions from then on', async () => {
    const id = await created({ paymentMethod: 'PIX' });
    const answer = await patch(id, { browserLanguage: 'pt-BR', browserScreenWidth: 1920 });
    expect(answer.status, answer.text).toBe(200);
    const externalRefs = { reference: expect.any(String), instructions: expect.any(String) };
    expect(answer.json()).toMatchObject({ id, state: 'PENDING', final: false, externalRefs });
    // As paytech answered it, who may send the customer on; whoever asks later is not asked to pay again.
    const { redirectUrl } = answer.json();
    expect(redirectUrl).toBeDefined();
    expect(await callsOf(id, 'PATCH')).toMatchObject([{ answer: { result: { redirectUrl } } }]);
    expect((await get(id)).json()).toMatchObject({ state: 'PENDING', externalRefs });
    expect((await get(id)).json()).not.toHaveProperty('redirectUrl');
    await soon(async () => expect(await record(id)).toMatchObject({ state: 'PENDING', version: '2' }));
    expect((await get(id)).json()).toMatchObject({ state: 'PENDING', version: 2, externalRefs });

    const [call, ...others] = await callsOf(id, 'PATCH');
    expect(call?.body).toEqual({
      customerIp: '127.0.0.1',
      browserLanguage: 'pt-BR',
      browserScreenWidth: 1920,
    });
    expect(others).toEqual([]);
  });

  it('done twice executes once, and with no body at all', async () => {
    const id = await created({ paymentMethod: 'PIX' });
    const first = await patch(id);
    const second = await patch(id);
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(second.json().externalRefs).toEqual(first.json().externalRefs);
    expect(await callsOf(id, 'PATCH')).toHaveLength(1);
  });

  it('refuses an address in the body by name, and calls nobody', async () => {
    const id = await created({ paymentMethod: 'PIX' });
    const answer = await patch(id, { customerIp: '198.51.100.1' });
    expect([answer.status, answer.json().code]).toEqual([400, 'request.invalid']);
    expect(answer.json().errors).toMatchObject([{ field: 'customerIp' }]);
    expect(await callsOf(id, 'PATCH')).toEqual([]);
  });

  it('is refused once the customer has paid otherwise', async () => {
    const id = await created();
    await pay(id, { cardNumber: '4000 0000 0000 0408' });
    await soon(async () => expect(await record(id)).toMatchObject({ state: 'COMPLETED' }));
    const answer = await patch(id);
    expect([answer.status, answer.json().code]).toEqual([409, 'payment.state_conflict']);
  });

  it.each(['500', 'reset', 'html'])(
    'says after %s that the outcome is unknown, and never repeats it',
    async (kind) => {
      const id = await created({ paymentMethod: 'PIX' });
      await fault('patch', kind);
      const answer = await patch(id);
      expect([answer.status, answer.json().code]).toEqual([503, 'payment.outcome_unknown']);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      expect((await patch(id)).json().code).toBe('operation.in_progress');
      expect(await callsOf(id, 'PATCH')).toHaveLength(1);
      await pay(id, { cardNumber: '4000 0000 0000 0408' });
      expect((await patch(id)).json()).toMatchObject({ state: 'COMPLETED' });
    },
  );

  it('finds out what became of an execution whose answer was lost', async () => {
    const id = await created({ paymentMethod: 'PIX' });
    await fault('patch', 'timeout-after-accept');
    const answer = await patch(id);
    expect(answer.status, answer.text).toBe(200);
    expect(answer.json()).toMatchObject({
      state: 'PENDING',
      externalRefs: { reference: expect.any(String) },
    });
  });

  it.each(['nobody', 'a'.repeat(32)])('answers 404 for %s without asking paytech', async (id) => {
    expect((await patch(id)).status).toBe(404);
    expect(await callsOf(id, 'PATCH')).toEqual([]);
  });
});

describe('state on return', () => {
  it('is paytech’s when the webhook was lost, and the record and the event follow', async () => {
    const id = await created();
    await fault('webhook', 'drop');
    await pay(id, { cardNumber: '4000 0000 0000 0408' });
    expect((await get(id)).json()).toMatchObject({ state: 'CHECKOUT', final: false });
    expect(await callsOf(id, 'GET')).toEqual([]);

    await soon(async () => expect((await get(id)).json().state).toBe('COMPLETED'));
    expect((await get(id)).json()).toMatchObject({ state: 'COMPLETED', final: true });
    await soon(async () => expect(await record(id)).toMatchObject({ state: 'COMPLETED', version: '2' }));
    await soon(async () => {
      const [event] = await service.eventsOf(id);
      expect(JSON.parse(event!.body)).toMatchObject({ id: `${id}:2`, type: 'paytech.payment.completed' });
    });
    expect(await callsOf(id, 'GET')).toHaveLength(1);
  });

  it('is the stored one while paytech does not answer', async () => {
    const id = await created();
    await fault('get', 'timeout', 10);
    await soon(async () => {
      expect((await get(id)).json()).toMatchObject({ state: 'CHECKOUT' });
      expect(await callsOf(id, 'GET')).toHaveLength(1);
    }, 20_000);
  });
});

describe('POST /operations/payments/{id}/…', () => {
  async function perform(id: string, action: string, body = '') {
    const path = `/operations/payments/${id}/${action}`;
    const headers = await signedHeaders(service, 'POST', path, body);
    return service.api('POST', path, body || undefined, headers);
  }

  async function authorized(): Promise<string> {
    const id = await created({ preAuth: true });
    await pay(id, { cardNumber: '4000 0000 0000 0408' });
    await soon(async () => expect((await get(id)).json().state).toBe('AUTHORIZED'));
    return id;
  }

  async function withdrawal(): Promise<string> {
    const body = JSON.stringify({
      referenceId: `payout-${randomUUID()}`,
      amount: 100,
      currency: 'EUR',
      additionalParameters: { approval: 'required' },
    });
    const path = '/operations/withdrawals';
    const headers = await signedHeaders(service, 'POST', path, body);
    const answer = await service.api('POST', path, body, headers);
    expect(answer.status, answer.text).toBe(201);
    const id = String(answer.json().id);
    await service.untilAtPaytech(id, 'AWAITING_APPROVAL');
    await service.simulator('POST', `/simulator/payments/${id}/webhook`, {});
    await reaches(id, 'AWAITING_APPROVAL');
    return id;
  }

  const reaches = (id: string, state: string) =>
    soon(async () => expect(await record(id)).toMatchObject({ state }));

  it.each([
    ['', '100'],
    ['{"amount":60.5}', '60.5'],
    ['{"amount":"60.5"}', '60.5'],
  ])('captures %s once, and names who asked for it', async (body, amount) => {
    const id = await authorized();
    const answer = await perform(id, 'capture', body);
    expect(answer.status, answer.text).toBe(200);
    expect(answer.json()).toMatchObject({ id, state: 'COMPLETED', final: true, amount });
    expect((await perform(id, 'capture', body)).status).toBe(200);
    await reaches(id, 'COMPLETED');
    expect((await perform(id, 'capture', body)).json()).toMatchObject({ state: 'COMPLETED' });
    expect(await callsOf(`${id}/capture`, 'POST')).toHaveLength(1);
    expect(await record(id)).toMatchObject({ amount, refundable: amount });

    const path = `/operations/payments/${id}`;
    const headers = await signedHeaders(service, 'GET', path);
    const { history } = (await service.api('GET', path, undefined, headers)).json() as never as {
      history: { state?: string; caller?: string }[];
    };
    expect(history.at(-1)).toMatchObject({ caller: service.signer.arn });
    await soon(async () => {
      const events = (await service.eventsOf(id)).map((each) => JSON.parse(each.body).type);
      expect(new Set(events)).toEqual(new Set(['paytech.payment.authorized', 'paytech.payment.completed']));
    });
  });

  it('captures once of twenty at once', async () => {
    const id = await authorized();
    const answers = await Promise.all(Array.from({ length: 20 }, () => perform(id, 'capture')));
    for (const answer of answers) {
      expect([200, 409]).toContain(answer.status);
      if (answer.status === 409) expect(answer.json().code).toBe('operation.in_progress');
    }
    expect(await callsOf(`${id}/capture`, 'POST')).toHaveLength(1);
    expect((await perform(id, 'capture')).status).toBe(200);
  });

  it('captures no more than is authorized', async () => {
    const id = await authorized();
    const answer = await perform(id, 'capture', '{"amount":100.000000000000000001}');
    expect([answer.status, answer.json().code]).toEqual([400, 'request.invalid']);
    expect(await callsOf(`${id}/capture`, 'POST')).toEqual([]);
  });

  it('voids, and then neither captures nor asks', async () => {
    const id = await authorized();
    expect((await perform(id, 'void')).json()).toMatchObject({ state: 'CANCELLED' });
    await reaches(id, 'CANCELLED');
    expect((await perform(id, 'void')).status).toBe(200);
    const capture = await perform(id, 'capture');
    expect([capture.status, capture.json().code]).toEqual([409, 'payment.state_conflict']);
    expect(await callsOf(`${id}/capture`, 'POST')).toEqual([]);
  });

  it('approves a withdrawal, which is then paid out', async () => {
    const id = await withdrawal();
    const answer = await perform(id, 'approve');
    expect(answer.status, answer.text).toBe(200);
    expect(answer.json()).toMatchObject({ paymentType: 'WITHDRAWAL', state: 'PENDING' });
    await reaches(id, 'COMPLETED');
    expect((await perform(id, 'approve')).status).toBe(200);
    expect((await perform(id, 'reject')).json().code).toBe('payment.state_conflict');
    expect(await callsOf(`${id}/approve`, 'POST')).toHaveLength(1);
  });

  it('rejects a withdrawal with the reason', async () => {
    const id = await withdrawal();
    const answer = await perform(id, 'reject', '{"rejectReason":"Unknown account"}');
    expect(answer.json()).toMatchObject({ state: 'CANCELLED', externalResultCode: 'Unknown account' });
    await reaches(id, 'CANCELLED');
  });

  it('never repeats what nobody heard the end of, and lets nothing else begin', async () => {
    const id = await authorized();
    await fault('capture', '500');
    const unknown = await perform(id, 'capture');
    expect([unknown.status, unknown.json().code]).toEqual([503, 'operation.outcome_unknown']);
    expect((await perform(id, 'capture')).json().code).toBe('operation.in_progress');
    expect((await perform(id, 'void')).json().code).toBe('operation.conflict');
    expect(await callsOf(`${id}/capture`, 'POST')).toHaveLength(1);

    const path = '/operations/claims/resolve';
    const body = JSON.stringify({
      kind: 'operation',
      id,
      outcome: 'not-sent',
      reason: 'paytech support: never arrived',
    });
    const headers = await signedHeaders(service, 'POST', path, body);
    const early = await service.api('POST', path, body, headers);
    expect([early.status, early.json().code]).toEqual([409, 'operation.in_progress']);
    expect(Number(early.headers.get('retry-after'))).toBeGreaterThan(200);
  });

  it.each(['429', 'timeout-after-accept'])('says the truth after %s', async (kind) => {
    const id = await authorized();
    await fault('void', kind);
    const answer = await perform(id, 'void');
    if (kind === '429') expect(answer.json().code).toBe('gateway.unavailable');
    else expect(answer.json()).toMatchObject({ state: 'CANCELLED' });
    expect((await perform(id, 'void')).json()).toMatchObject({ state: 'CANCELLED' });
  });

  it.each(['capture', 'void', 'approve', 'reject'])('%s needs a signature', async (action) => {
    const id = await created();
    const answer = await service.api('POST', `/operations/payments/${id}/${action}`, '{}');
    expect(answer.status).toBe(403);
    expect(await callsOf(id, 'POST')).toEqual([]);
  });
});
