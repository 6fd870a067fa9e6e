import { describe, expect, test } from 'vitest';
import { callOnce } from '../../shared/calls/call-once.ts';
import { CALL_LIMIT_MS, LEASE_NEEDED_TO_CALL_MS } from '../../shared/payment/claim.ts';
import type { Answer } from '../../shared/paytech/client.ts';

/* What may be done next, by how paytech answered: the rows of `Called`, one by one. */

const NOW = Date.UTC(2026, 2, 1, 10);
const ABOUT = { referenceId: 'order-1', attempt: 1 };

async function calling(
  answer: Answer<string>,
  { until = NOW + LEASE_NEEDED_TO_CALL_MS, isSure }: { until?: number; isSure?: boolean } = {},
) {
  const done: string[] = [];
  const logged: unknown[] = [];
  const log = (_message: unknown, more: unknown) => logged.push(more);
  const called = await callOnce(
    { now: () => NOW, logger: { warn: log, error: log } as never },
    {
      until,
      call: async (limitMs) => {
        done.push(`called for ${limitMs} ms at most`);
        return answer;
      },
      giveBack: async () => done.push('given back'),
      about: ABOUT,
      ...(isSure === undefined ? {} : { isSure }),
    },
  );
  return { called, done, logged };
}

const CALLED = `called for ${CALL_LIMIT_MS} ms at most`;
const answered: Answer<string> = { kind: 'answered', result: 'a payment' };

test('what is answered is done, and nothing is given back', async () => {
  const { called, done, logged } = await calling(answered);
  expect(called).toEqual({ is: 'done', result: 'a payment' });
  expect(done).toEqual([CALLED]);
  expect(logged).toEqual([]);
});

describe('with too little time to end', () => {
  test('nothing is sent, and what was set aside is given back', async () => {
    const { called, done } = await calling(answered, { until: NOW + LEASE_NEEDED_TO_CALL_MS - 1 });
    expect(called).toEqual({ is: 'unavailable' });
    expect(done).toEqual(['given back']);
  });
});

test('what is refused is given back, with paytech’s message', async () => {
  const errors = [{ field: 'amount', message: 'too small' }];
  const { called, done } = await calling({ kind: 'refused', message: 'no', errors });
  expect(called).toEqual({ is: 'rejected', message: 'no', errors });
  expect(done).toEqual([CALLED, 'given back']);
});

test.each([401, 403, 404, 429])('%i: not taken, given back, and named in the log', async (status) => {
  const { called, done, logged } = await calling({ kind: 'not-accepted', status });
  expect(called).toEqual({ is: 'unavailable', status });
  expect(done).toEqual([CALLED, 'given back']);
  const metric = status === 401 || status === 403 ? 'ApiKeyRefused' : 'GatewayNotAccepted';
  expect(logged).toEqual([{ metric, status }]);
});

describe('where nobody could know otherwise', () => {
  test('429 gives nothing back: it is looked up', async () => {
    const { called, done } = await calling({ kind: 'not-accepted', status: 429 }, { isSure: false });
    expect(called).toEqual({ is: 'unknown', reason: 'HTTP 429', limited: true });
    expect(done).toEqual([CALLED]);
  });

  test('401 is given back all the same', async () => {
    const { called, done } = await calling({ kind: 'not-accepted', status: 401 }, { isSure: false });
    expect(called).toEqual({ is: 'unavailable', status: 401 });
    expect(done).toEqual([CALLED, 'given back']);
  });
});

test('what never left this service is given back', async () => {
  const { called, done, logged } = await calling({ kind: 'not-sent', reason: 'ECONNREFUSED' });
  expect(called).toEqual({ is: 'unavailable' });
  expect(done).toEqual([CALLED, 'given back']);
  expect(logged).toEqual([{ metric: 'GatewayNotReached', reason: 'ECONNREFUSED' }]);
});

test('an unknown outcome gives nothing back, and says in the log what it is about', async () => {
  const { called, done, logged } = await calling({ kind: 'unknown', reason: 'timeout' });
  expect(called).toEqual({ is: 'unknown', reason: 'timeout' });
  expect(done).toEqual([CALLED]);
  expect(logged).toEqual([{ metric: 'OutcomeUnknown', ...ABOUT, reason: 'timeout' }]);
});
