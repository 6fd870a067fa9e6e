import { randomUUID } from 'node:crypto';
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { type Json, operator } from '../support/operator.ts';
import { sharedService } from '../support/service.ts';

// Many processes side by side take their time on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const service = await sharedService();
/** A payout of which paytech has another amount. */
const flagged = `payout-${randomUUID()}`;
let madeBeside: string;
/** Another one, which paytech made over another amount. */
const lost = `payout-${randomUUID()}`;
let lostId: string;
/** A payment whose capture nobody heard the end of. */
let uncertain: string;
// Faults hit whoever comes first, so they are all used up before the tests, which run side by side.
beforeAll(async () => {
  madeBeside = await flaggedWithdrawal(flagged);
  lostId = await flaggedWithdrawal(lost);
  uncertain = await uncertainCapture();
});

const { ops, json, paid, uncertainCapture, flaggedWithdrawal } = operator(service);

describe.concurrent('claims', () => {
  it('says what is flagged and why, and takes a person’s decision', async () => {
    const listed = async () => (await json('claims', 'ls')).claims.filter(({ id }: Json) => id === flagged);
    expect(await listed()).toMatchObject([
      {
        kind: 'withdrawal',
        id: flagged,
        stage: 'flagged',
        flag: expect.stringContaining('another amount'),
      },
    ]);
    const resolve = [
      'claims',
      'resolve',
      'withdrawal',
      flagged,
      '--outcome',
      'not-sent',
      '--reason',
      'asked them',
    ];
    expect((await ops(resolve)).code).toBe(2);
    const unnamed = await ops([...resolve, '--yes']);
    expect(unnamed).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`--not-payment ${madeBeside}`),
    });
    expect((await json(...resolve, '--not-payment', madeBeside, '--yes')).result).toBe('released');
    const item = (await service.item(`withdrawal#${flagged}`)) as Json;
    expect(item).toMatchObject({ stage: 'released', attempt: '2' });
    expect(item.resolutions).toMatchObject([
      { reason: 'asked them', caller: expect.stringContaining(service.ops.caller) },
    ]);
    expect(await listed()).toEqual([]);
    const again = await ops([...resolve, '--yes']);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('not flagged') });
  });

  it('adopts what was sent, by its id also where it differs, but nothing of another kind', async () => {
    const resolve = (...more: string[]) =>
      ops(['claims', 'resolve', 'withdrawal', lost, '--reason', 'seen there', '--yes', ...more]);
    const other = await resolve('--outcome', 'sent');
    expect(other).toMatchObject({ code: 1, stdout: '' });
    expect(other.stderr).toContain('no payment under this reference that fits');
    const another = await resolve('--outcome', 'sent', '--payment', await paid('4'));
    expect(another.stderr).toContain('another payment type');

    const { stdout } = await ops(['explain', lost]);
    // In one line, to be copied.
    expect(stdout).toContain(`"paytech-ops claims resolve withdrawal ${lost}`);
    const document = JSON.parse((await resolve('--outcome', 'sent', '--payment', lostId, '--json')).stdout);
    expect(document).toMatchObject({ result: 'adopted', payment: { id: lostId } });
    expect(await service.item(`withdrawal#${lost}`)).toMatchObject({ stage: 'known', paymentId: lostId });
  });

  it('ends an operation whose outcome is unknown, but not too early', async () => {
    const resolve = ['claims', 'resolve', 'operation', uncertain, '--reason', 'asked them', '--yes'];
    const early = await ops(resolve);
    expect(early).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^Too early: .* Wait another \d+ s/),
    });

    // The clock of a process cannot be moved, so the operation is.
    await service.dynamo.send(
      new UpdateItemCommand({
        TableName: service.tableName,
        Key: { pk: { S: `payment#${uncertain}` } },
        UpdateExpression: 'SET operations[0].startedAt = operations[0].startedAt - :ms',
        ExpressionAttributeValues: { ':ms': { N: '600000' } },
      }),
    );
    expect(await json(...resolve)).toEqual({ kind: 'operation', id: uncertain, result: 'released' });
    expect(await service.item(`payment#${uncertain}`)).toMatchObject({
      state: 'AUTHORIZED',
      operations: [
        { kind: 'capture', released: { by: expect.stringContaining(service.ops.caller), why: 'asked them' } },
      ],
    });
    const again = await ops(resolve);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('No operation is open') });
  });

  it.each([
    ['no outcome', ['withdrawal', 'x'], 'Pass --outcome'],
    ['an outcome that there is not', ['withdrawal', 'x', '--outcome', 'maybe'], 'Allowed choices are'],
    ['a kind that there is not', ['payout', 'x', '--outcome', 'sent'], 'Allowed choices are'],
    ['an operation that was sent', ['operation', 'x', '--outcome', 'sent'], 'only --outcome not-sent'],
    ['a payment of an operation', ['operation', 'x', '--payment', 'p'], 'only --outcome not-sent'],
    ['a denied payment that was sent', ['refund', 'x', '--outcome', 'sent', '--not-payment', 'p'], '--not-'],
    ['a payment that was not sent', ['refund', 'x', '--outcome', 'not-sent', '--payment', 'p'], '--payment'],
    ['no terminal', ['refund', 'x', '--outcome', 'not-sent'], 'pass --yes'],
  ])('is a usage error with %s', async (_name, args, complaint) => {
    const { code, stdout, stderr } = await ops(['claims', 'resolve', ...args, '--reason', 'x']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(complaint);
  });
});
