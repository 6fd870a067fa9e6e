import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { orderTokens } from '../../functions/create-payment/order-token.ts';
import { CHARGEBACK_ROUTE } from '../../functions/receive-webhook/pipeline.ts';
import { decimal } from '../../shared/payment/money.ts';
import { OPEN_INTERVAL_MS } from '../../shared/payment/schedule.ts';
import { AwsError } from '../../shared/runtime/aws-call.ts';
import { openSecret, readKey } from '../../shared/runtime/secrets.ts';
import { MINUTE_MS } from '../../shared/runtime/time.ts';
import { saveClaim } from '../../shared/store/claims.ts';
import { type CountedWorld, CUSTOMER, ORDER_TOKEN } from '../support/counted-world.ts';
import { EUR_10, objectBytes, paymentId, type World } from '../support/world.ts';

type Causes = Record<string, Record<string, () => Promise<unknown>>>;

/** What each alarm over logged metrics goes off over: by the alarm, then by the function that notices. */
export const causesIn = (scene: CountedWorld): Causes => ({
  ...causesInEvents(scene),
  ...causesInCalls(scene),
  ...causesInRuns(scene),
});

/** What events bring. */
function causesInEvents(scene: CountedWorld): Causes {
  const { functions, times, created, webhook, paid } = scene;

  async function refundedElsewhere(parentPaymentId: string, amount: string): Promise<void> {
    const refund = { paymentType: 'REFUND' as const, referenceId: randomUUID(), parentPaymentId };
    const { id } = scene.world.gateway.make({ ...refund, amount: decimal(amount), currency: 'EUR' });
    scene.world.gateway.set(id, { state: 'COMPLETED' });
    await webhook({ ...refund, id, amount, state: 'COMPLETED' });
  }

  const completes = (id: string) =>
    scene.signed(
      objectBytes({ id, paymentType: 'DEPOSIT', state: 'COMPLETED', amount: '10', currency: 'EUR' }),
    );
  const refusing: World['publisher'] = {
    publish: async (all) => new Map(all.map(({ id }) => [id, 'AccessDenied'])),
  };

  return {
    'webhook-signature': {
      'receive-webhook': () =>
        times(5, async () =>
          expect(await functions.receive(Buffer.from(JSON.stringify(CUSTOMER)), 'forged')).toBe(401),
        ),
    },
    'payment-corrected': {
      'apply-payment-event': async () => {
        const id = await paid();
        scene.world.gateway.set(id, { state: 'CANCELLED' });
        await webhook({ id, state: 'CANCELLED' });
      },
    },
    'event-quarantined': {
      'apply-payment-event': async () => webhook({ id: await paid(), state: 'CANCELLED' }),
    },
    'unknown-states': {
      'apply-payment-event': async () => {
        const id = await created();
        await times(20, () => webhook({ id, state: 'RECONCILIATION' }));
      },
    },
    'chargeback-open': {
      'apply-payment-event': async () => {
        const id = await paid();
        scene.world.gateway.chargebacks.set(id, {});
        await webhook({ id, state: '' }, CHARGEBACK_ROUTE);
      },
    },
    'order-paid-twice': {
      'apply-payment-event': async () => {
        const referenceId = randomUUID();
        const again = async () => {
          const result = await functions.create('deposit', referenceId);
          return (result as { record: { id: string } }).record.id;
        };
        const first = await again();
        scene.world.gateway.set(first, { state: 'DECLINED' });
        await webhook({ id: first, state: 'DECLINED', referenceId });
        const second = await again();
        await webhook({ id: second, state: 'COMPLETED', referenceId: `${referenceId}~2` });
        scene.world.gateway.set(first, { state: 'COMPLETED' });
        await webhook({ id: first, state: 'COMPLETED', referenceId });
      },
    },
    'paid-out-twice': {
      'apply-payment-event': async () => {
        const referenceId = randomUUID();
        await functions.create('withdrawal', referenceId);
        const { id } = scene.world.gateway.make({ paymentType: 'WITHDRAWAL', referenceId, ...EUR_10 });
        await webhook({ id, state: 'PENDING', paymentType: 'WITHDRAWAL', referenceId });
      },
    },
    'refunded-too-much': {
      'apply-payment-event': async () => {
        const parentPaymentId = await paid();
        await refundedElsewhere(parentPaymentId, '11');
      },
    },
    'refund-without-parent': {
      'apply-payment-event': () => refundedElsewhere(paymentId(), '10'),
    },
    'message-parked': {
      'apply-payment-event': async () => {
        await scene.signed(Buffer.from('not json'));
        await functions.apply();
      },
    },
    // A single one, in a shop that has no other webhook meanwhile.
    'webhooks-stuck': {
      'apply-payment-event': async () => {
        await completes(await created());
        expect((await functions.apply(refusing, 4)).batchItemFailures).toHaveLength(1);
      },
    },
    'publish-failed': {
      'apply-payment-event': async () => {
        const ids = await Promise.all(Array.from({ length: 5 }, created));
        for (const id of ids) await completes(id);
        expect((await functions.apply(refusing)).batchItemFailures).toHaveLength(5);
      },
    },
  };
}

/** What becomes of calls of paytech, and of what they need. */
function causesInCalls(scene: CountedWorld): Causes {
  const { functions, pass, times, failing, created, webhook, authorized } = scene;

  /** Two payments under one reference: which one was made by the call that follows? */
  const ambiguous = async (paymentType: 'DEPOSIT' | 'WITHDRAWAL') => {
    const referenceId = randomUUID();
    await times(2, async () => scene.world.gateway.make({ paymentType, referenceId, ...EUR_10 }));
    failing('create', 'unknown');
    return referenceId;
  };

  /** Nothing of a call leaves the process. */
  const unreachable = () => {
    const notSent = async () => ({
      kind: 'not-sent' as const,
      reason: 'getaddrinfo ENOTFOUND engine.pay.tech',
    });
    Object.assign(scene.world.gateway, { create: notSent, execute: notSent });
  };

  /** A key is used each minute, while Secrets Manager does not answer. */
  const agesInAnOutage = async (service: string) => {
    let isAway = false;
    const getSecretValue = async () => {
      if (isAway) throw new AwsError('TimeoutError', 'timeout');
      return { SecretString: 'key' };
    };
    const options = {
      logger: scene.counted.logger(service),
      secretsManager: { getSecretValue },
      now: scene.world.now,
    };
    const secret = openSecret('api-key', readKey, options);
    await secret.get();
    isAway = true;
    pass(5 * MINUTE_MS);
    await times(5, async () => {
      await secret.get();
      pass(MINUTE_MS);
    });
  };

  /** A call that makes or moves money, and that paytech does not take, by the function that makes it. */
  function turnedDown(status: 401 | 429): Record<string, () => Promise<unknown>> {
    return {
      'create-payment': async () => {
        failing('create', status);
        await functions.create();
      },
      operations: async () => {
        failing('create', status);
        await functions.create('withdrawal');
      },
      'execute-payment': async () => {
        const id = await created();
        failing('execute', status);
        await functions.act('execute', id);
      },
    };
  }

  return {
    'order-tokens': {
      'create-payment': () => {
        const keys = { get: async () => ['k'.repeat(32)], refreshed: async () => undefined };
        const logger = scene.counted.logger('create-payment');
        const read = orderTokens({
          openAmounts: false,
          keys,
          audience: 'urn:x',
          now: scene.world.now,
          logger,
        });
        return times(20, () => read(ORDER_TOKEN).catch(() => {}));
      },
    },
    'outcome-unknown': {
      'create-payment': () =>
        times(5, async () => {
          failing('create', 'unknown');
          await functions.create();
        }),
      operations: () =>
        times(5, async () => {
          failing('create', 'unknown');
          await functions.create('withdrawal');
        }),
      'execute-payment': () =>
        times(5, async () => {
          const id = await created();
          failing('execute', 'unknown');
          await functions.act('execute', id);
        }),
    },
    'outcome-unknown-for-long': {
      reconcile: async () => {
        const id = await authorized();
        failing('capture', 'unknown');
        await functions.act('capture', id);
        pass(16 * MINUTE_MS);
        await functions.reconcile();
      },
    },
    'claim-flagged': {
      // More attempts than any customer makes.
      'create-payment': async () => {
        const referenceId = randomUUID();
        const claim = { kind: 'deposit', referenceId, stage: 'released', attempt: 21 } as const;
        const lease = { owner: 'somebody', sentAt: 0, leaseUntil: 0 };
        await saveClaim(scene.world.table, undefined, {
          ...claim,
          ...lease,
          request: EUR_10,
          earlierPaymentIds: [],
        });
        return functions.create('deposit', referenceId);
      },
      operations: async () => functions.create('withdrawal', await ambiguous('WITHDRAWAL')),
      // More payments under one reference than anybody makes.
      'apply-payment-event': async () => {
        const referenceId = randomUUID();
        const claim = { kind: 'deposit', referenceId, stage: 'released', attempt: 1 } as const;
        const lease = { owner: 'somebody', sentAt: 0, leaseUntil: 0 };
        const otherPaymentIds = Array.from({ length: 20 }, paymentId);
        const rest = { ...lease, request: EUR_10, earlierPaymentIds: [], otherPaymentIds };
        await saveClaim(scene.world.table, undefined, { ...claim, ...rest });
        const { id } = scene.world.gateway.make({ paymentType: 'DEPOSIT', referenceId, ...EUR_10 });
        scene.world.gateway.set(id, { state: 'COMPLETED' });
        await webhook({ id, state: 'COMPLETED', referenceId });
      },
      reconcile: async () => {
        const referenceId = await ambiguous('WITHDRAWAL');
        failing('list', 'unknown');
        await functions.create('withdrawal', referenceId);
        pass(MINUTE_MS);
        await functions.reconcile();
      },
    },
    'gateway-not-accepted': turnedDown(429),
    'api-key-refused': {
      ...turnedDown(401),
      reconcile: async () => {
        failing('list', 401);
        await functions.reconcile();
      },
    },
    'gateway-not-reached': {
      'create-payment': () =>
        times(5, async () => {
          unreachable();
          await functions.create();
        }),
      operations: () =>
        times(5, async () => {
          unreachable();
          await functions.create('withdrawal');
        }),
      'execute-payment': async () => {
        const id = await created();
        await times(5, async () => {
          unreachable();
          await functions.act('execute', id);
        });
      },
    },
    'secret-stale': {
      'create-payment': () => agesInAnOutage('create-payment'),
      'receive-webhook': () => agesInAnOutage('receive-webhook'),
      reconcile: () => agesInAnOutage('reconcile'),
    },
  };
}

/** What a run of reconcile notices. */
function causesInRuns(scene: CountedWorld): Causes {
  const { functions, pass, times, created, webhook, authorized, withDue, givesUp, untold } = scene;
  const send = () => Promise.reject(new Error('the queue is down'));

  return {
    'unknown-state-for-long': {
      reconcile: async () => {
        await webhook({ id: await created(), state: 'RECONCILIATION' });
        await functions.reconcile();
        pass(24 * 60 * MINUTE_MS);
        await functions.reconcile();
      },
    },
    'webhook-not-confirmed': {
      reconcile: async () => {
        await webhook({ id: await created(), state: 'COMPLETED' });
        pass(5 * MINUTE_MS);
        await functions.reconcile();
      },
    },
    'authorized-for-long': {
      reconcile: async () => {
        await authorized();
        pass(72 * 60 * MINUTE_MS);
        await functions.reconcile();
      },
    },
    'awaiting-approval-for-long': {
      reconcile: async () => {
        const referenceId = randomUUID();
        const { id } = scene.world.gateway.make({ paymentType: 'WITHDRAWAL', referenceId, ...EUR_10 });
        scene.world.gateway.set(id, { state: 'AWAITING_APPROVAL' });
        await webhook({ id, state: 'AWAITING_APPROVAL', paymentType: 'WITHDRAWAL' });
        pass(24 * 60 * MINUTE_MS);
        await functions.reconcile();
      },
    },
    'webhooks-missed': {
      reconcile: async () => {
        await times(5, async () => scene.world.gateway.set(await created(), { state: 'COMPLETED' }));
        pass(MINUTE_MS);
        await functions.reconcile();
      },
    },
    'reconcile-gave-up': {
      reconcile: async () => {
        await withDue();
        await givesUp();
        pass(3 * MINUTE_MS);
        await givesUp();
      },
    },
    'reconcile-failed': {
      reconcile: async () => {
        await times(20, async () => scene.world.gateway.set(await created(), { state: 'COMPLETED' }));
        pass(MINUTE_MS);
        await functions.reconcile({ send });
      },
    },
    'list-part-not-compared': {
      reconcile: async () => {
        scene.world.gateway.make({ paymentType: 'DEPOSIT', referenceId: randomUUID(), ...EUR_10 });
        pass(MINUTE_MS);
        await functions.reconcile({ send });
      },
    },
    'list-filter-ignored': {
      reconcile: async () => {
        await created();
        const { listReadable } = scene.world.gateway;
        scene.world.gateway.listReadable = ({ createdFrom }, limit) => listReadable({ createdFrom }, limit);
        await functions.reconcile();
      },
    },
    'reconcile-not-running': { reconcile: async () => {} },
    'reconcile-failing': { reconcile: async () => {} },
    'reconcile-walk-behind': {
      reconcile: async () => {
        await created();
        pass(OPEN_INTERVAL_MS + 16 * MINUTE_MS);
        await functions.reconcile();
      },
    },
    'reconcile-list-behind': {
      reconcile: async () => {
        await functions.reconcile();
        pass(20 * MINUTE_MS);
        await functions.reconcile();
      },
    },
    'webhooks-not-arriving': {
      reconcile: async () => {
        await functions.reconcile();
        await untold(3);
      },
    },
  };
}
