import { randomUUID } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { KEY, operator } from '../support/operator.ts';
import { sharedService } from '../support/service.ts';
import { signedCalls } from '../support/signed.ts';

// Many processes side by side take their time on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const service = await sharedService();

const { ops, json, simulate, deposit, paid } = operator(service);

describe.concurrent('explain', () => {
  it('shows a contradiction: who said what, what was done, what to do', async () => {
    const id = await paid('11.12');
    await simulate(`payments/${id}/webhook`, { state: 'DECLINED' });
    await vi.waitFor(
      async () => expect(await service.item(`payment#${id}`)).toMatchObject({ quarantined: '1' }),
      {
        timeout: 10_000,
      },
    );
    const [{ explanations }, { stdout: text }] = await Promise.all([
      json('explain', id),
      ops(['explain', id]),
    ]);
    expect(explanations[0].timeline).toHaveLength(3);
    expect(explanations[0].timeline[2].text).toMatch(
      new RegExp(
        `key ${KEY} \\(hex\\), said DECLINED over 11.12 EUR, but the record said COMPLETED over 11.12 EUR`,
      ),
    );
    expect(explanations[0].now).toBe(
      'The record says COMPLETED over 11.12 EUR. paytech, asked just now, says the same.',
    );
    expect(explanations[0].todo[0]).toContain('Do nothing because of the event in quarantine');
    expect(text.split(/\s+/).join(' ')).toContain(explanations[0].timeline[2].text);
  });
});

describe.concurrent('explain, of what is not in order', () => {
  const explained = async (query: string) => {
    const { stdout } = await ops(['explain', query]);
    return stdout.split(/\s+/).join(' ');
  };
  const isRecorded = (id: string, fields: object) =>
    vi.waitFor(async () => expect(await service.item(`payment#${id}`)).toMatchObject(fields), {
      timeout: 10_000,
    });

  it('shows a correction, and what to check', async () => {
    const id = await paid('6');
    await simulate(`payments/${id}/pay`, { state: 'CANCELLED' });
    await isRecorded(id, { state: 'CANCELLED' });
    const text = await explained(id);
    expect(text).toContain('paytech was asked which is true and answered CANCELLED over 6 EUR.');
    expect(text).toContain('Check what was done because of the earlier state');
  });

  it('shows an order that is paid twice, by either of its payments', async () => {
    const referenceId = `order-${randomUUID()}`;
    const first = await deposit('7', referenceId);
    await simulate(`payments/${first}/pay`, { state: 'DECLINED' });
    await isRecorded(first, { state: 'DECLINED' });
    const second = await paid('7', referenceId);
    await simulate(`payments/${first}/pay`, { state: 'COMPLETED' });
    await isRecorded(first, { state: 'COMPLETED' });
    expect(await explained(first)).toContain(`: ${second} holds money for it too.`);
    expect(await explained(second)).toContain(`: ${first} holds money for it too.`);
    expect((await json('show', second)).payments).toMatchObject([
      { paidToo: [first], record: { paidTwice: { paymentIds: [first, second].sort() } } },
    ]);
  });

  it('shows an alarm that waits for a decision, and who acknowledged it', async () => {
    const id = await paid('11');
    await simulate(`payments/${id}/pay`, { state: 'CANCELLED' });
    await isRecorded(id, { state: 'CANCELLED' });
    const row = new RegExp(`payment-corrected +${id} +.* UTC +version 3`);
    expect((await ops(['alarms'])).stdout).toMatch(row);
    expect(await explained(id)).toContain(`"paytech-ops acknowledge payment-corrected ${id} --reason …"`);
    const { checks } = await json('doctor');
    expect(checks).toContainEqual({
      check: 'decisions',
      is: 'warn',
      detail: expect.stringMatching(/\d decisions? open \(.*payment-corrected.*"paytech-ops alarms"/),
    });

    const arrive = { check: 'webhooks', is: 'ok', detail: expect.stringContaining('the last one arrived') };
    expect(checks).toContainEqual(arrive);

    const acknowledge = ['acknowledge', 'payment-corrected', id, '--reason', 'goods are back', '--yes'];
    expect((await ops(acknowledge)).stdout).toContain('Acknowledged: version 3.');
    expect(await explained(id)).toMatch(
      /\S+ acknowledged the alarm payment-corrected \(version 3\): "goods are back"/,
    );
    expect((await ops(['alarms'])).stdout).not.toMatch(row);
    const again = await ops(acknowledge);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain(`There is no open alarm payment-corrected for ${id}`);
    const flagged = await ops(['acknowledge', 'claim-flagged', 'withdrawal/p-1', '--reason', 'x', '--yes']);
    expect(flagged.code).toBe(1);
    expect(flagged.stderr).toContain('"paytech-ops claims resolve <kind> <id>" ends');
  });

  it('shows a webhook that paytech does not confirm, and says to deliver nothing', async () => {
    const id = await deposit('8');
    await simulate(`payments/${id}/webhook`, { state: 'COMPLETED' });
    await isRecorded(id, { state: 'COMPLETED' });
    const text = await explained(id);
    expect(text).toContain(`Do not deliver: only a webhook, signed with key ${KEY}, said COMPLETED`);
    expect(text).not.toContain('Believe paytech');
  });

  it('shows what was refunded, and of which payment a refund is', async () => {
    const id = await paid('9');
    const refundId = `refund-${randomUUID()}`;
    const body = JSON.stringify({ refundId, paymentId: id, amount: 2.5 });
    expect((await signedCalls(service)('POST', '/operations/refunds', body)).status).toBe(201);
    expect(await explained(id)).toContain(
      '2.5 EUR went back or is on its way, in 1 refund; 6.5 EUR can still be refunded.',
    );
    expect(await explained(refundId)).toContain(`for ${refundId}, of payment ${id}`);
    const { stdout } = await ops(['show', id]);
    expect(stdout).toMatch(new RegExp(`${refundId} +(reserved|settled) +2.5 EUR`));
  });

  it('asks for no decision about an amount that the merchant captured, and for one about any other', async () => {
    const order = { referenceId: `order-${randomUUID()}`, amount: 30, currency: 'EUR', preAuth: true };
    const id = String((await service.api('POST', '/payments', JSON.stringify(order))).json().id);
    await simulate(`payments/${id}/pay`, { cardNumber: '4000 0000 0000 0408' });
    await isRecorded(id, { state: 'AUTHORIZED' });
    await signedCalls(service)('POST', `/operations/payments/${id}/capture`, '{"amount":10}');
    await isRecorded(id, { state: 'COMPLETED' });
    expect(await explained(id)).toMatch(/What to do Nothing to do\. $/);

    const paidLess = await deposit('30');
    await simulate(`payments/${paidLess}/pay`, { state: 'COMPLETED', amount: 10 });
    await isRecorded(paidLess, { state: 'COMPLETED' });
    expect(await explained(paidLess)).toContain('10 EUR came instead of 30 EUR: decide whether to deliver');
  });

  it('shows a payment that waits for the merchant', async () => {
    const id = await deposit('10');
    await simulate(`payments/${id}/pay`, { state: 'AUTHORIZED' });
    await isRecorded(id, { state: 'AUTHORIZED' });
    expect(await explained(id)).toContain('Capture or void it');
  });

  it('fails on what nobody knows', async () => {
    for (const command of ['explain', 'replay']) {
      const { code, stdout, stderr } = await ops([command, 'nobody-knows']);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toContain('nobody-knows');
    }
    const released = ['claims', 'resolve', 'operation', 'nobody-knows', '--reason', 'x', '--yes'];
    for (const args of [['replay', 'nobody-knows'], released])
      expect(await ops(args)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('"paytech-ops show'),
      });
  });
});
