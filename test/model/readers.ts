import { getPayment } from '../../functions/get-payment/pipeline.ts';
import { refresh } from '../../functions/get-payment/refresh.ts';
import type { WorkerEvent } from '../../functions/reconcile/part.ts';
import { type ReconcileContext, reconcile, reconcilePart } from '../../functions/reconcile/pipeline.ts';
import type { HttpEvent } from '../../shared/http/api.ts';
import type { EventQueue } from '../../shared/messaging/event-queue.ts';
import type { GatewayPayment } from '../../shared/paytech/wire.ts';
import type { BatchTable } from '../../shared/store/batch-table.ts';
import type { OpenIndex } from '../../shared/store/open-index.ts';
import { readPayment } from '../../shared/store/payments.ts';
import type { MemoryGateway } from '../support/memory-gateway.ts';
import { OVERDUE_LIMITS } from '../support/reconciling.ts';
import type { memoryLogger } from '../support/world.ts';
import { answerOf } from './answer.ts';
import { type Conductor, runProcess } from './process.ts';
import type { Activity, TableFault } from './schedule.ts';

type RefreshActivity = Extract<Activity, { do: 'refresh' }>;
type ReconcileActivity = Extract<Activity, { do: 'reconcile' }>;

export interface Surroundings {
  conductor: Conductor;
  clock: { at: number };
  logger: ReturnType<typeof memoryLogger>;
  count: (what: string) => void;
  gateway: MemoryGateway;
  index: OpenIndex;
  /** What look-ups by a reference go to. */
  list: MemoryGateway['list'];
  tableWith: (fault: { atWrite: number; fault: TableFault } | undefined) => BatchTable;
  queueThat: (fault: 'well' | 'down') => EventQueue;
}

/** How long a webhook has its time to come. */
const GRACE_MS = 10_000;
const MAX_AGE_MS = 24 * 60 * 60_000;
/** As the Lambda's time limit. */
const RUN_MS = 60_000;
/** Never over: the schedule says what goes wrong. */
const NO_LIMIT_MS = 10_000;

/** Whoever asks paytech and writes nothing of what it learns but onto the queue: storefronts and reconcile. */
export function createReaders({
  conductor,
  clock,
  logger,
  count,
  gateway,
  index,
  list: lookUp,
  tableWith,
  queueThat,
}: Surroundings) {
  const now = () => clock.at;

  function get(ask: 'well' | 'unknown'): MemoryGateway['get'] {
    return async (...args) => {
      if (ask === 'unknown') gateway.endings.push({ on: 'get', ends: 'unknown' });
      return gateway.get(...args);
    };
  }

  return {
    async refresh(payment: GatewayPayment, { ask, table: fault, queue, crash }: RefreshActivity) {
      const ended = await runProcess(conductor, crash, (outside) => {
        const table = outside(tableWith(fault));
        const route = getPayment({
          readPayment: (id) => readPayment(table, id),
          refresh: refresh({
            table,
            gateway: outside({ get: get(ask) }),
            queue: outside(queueThat(queue)),
            now,
            logger,
            limitMs: NO_LIMIT_MS,
          }),
        });
        const event = { pathParameters: { id: payment.id }, requestContext: { requestId: 'model' } };
        return answerOf(() => route(event as unknown as HttpEvent));
      });
      count(ended.died ? 'crash of get-payment' : `get ${ended.value.status}`);
    },
    async reconcile({ ask, list, table: fault, queue, crash, workers }: Omit<ReconcileActivity, 'do'>) {
      const listReadable: MemoryGateway['listReadable'] = async (...args) => {
        if (list === 'unknown') gateway.endings.push({ on: 'list', ends: 'unknown' });
        return gateway.listReadable(...args);
      };
      const settings = { graceMs: GRACE_MS, maxAgeMs: MAX_AGE_MS, overdueLimits: OVERDUE_LIMITS };
      const contextIn = (outside: Outside): ReconcileContext => ({
        table: outside(tableWith(fault)),
        index,
        gateway: outside({ get: get(ask), list: lookUp, listReadable, operations: gateway.operations }),
        queue: outside(queueThat(queue)),
        now,
        logger,
        ...settings,
      });
      const started: Promise<void>[] = [];

      async function start(event: object): Promise<void> {
        const fate = workers[started.length % workers.length]!;
        started.push(work((event as WorkerEvent).worker, fate));
      }

      async function work({ deadline, ...part }: WorkerEvent['worker'], fate: (typeof workers)[number]) {
        if (fate === 'never-begins') return count('worker never begins');
        const ended = await runProcess(conductor, fate === 'works' ? undefined : fate, (outside) =>
          reconcilePart(contextIn(outside))(part, { deadline }).catch(() => undefined),
        );
        count(ended.died ? 'crash of worker' : 'worker works');
      }

      const ended = await runProcess(conductor, crash, (outside) =>
        reconcile({
          ...contextIn(outside),
          ...(workers.length > 0
            ? { workers: { most: workers.length + 1, start: outside({ start }).start } }
            : {}),
        })({ deadline: clock.at + RUN_MS }).catch(() => undefined),
      );
      await Promise.all(started);
      if (ended.died) return count('crash of reconcile');
      if (!ended.value) return count('reconcile failed');
      for (const [what, times] of Object.entries(ended.value))
        for (let time = 0; time < Number(times); time++) count(`reconcile ${what}`);
    },
  };
}

type Outside = <O extends object>(target: O) => O;
