import { PRICES, USES } from '../../infra/cost.ts';
import type { Aws } from './aws.ts';
import { bundleAsCdkDoes, ourBundle } from './build.ts';
import { webhookContenders } from './cold.ts';
import { consumerContenders, LATENCY_MS, seed } from './consumer.ts';
import { environmentOf } from './environment.ts';
import { batch, look, order, paymentId, webhook } from './events.ts';
import { compared, type Measurement, type Part } from './figures.ts';
import { type Contender, openSandbox, type Sandbox } from './sandbox.ts';
import { interleave, ratio } from './statistics.ts';

/** One step of a payment by one contender, as it costs when its function is warm. */
interface Step {
  name: string;
  contender: Contender;
  /** Payments per invocation. */
  payments: number;
  event(ids: string[]): unknown;
  /** How many units a write of it takes, those of an index included. */
  unitsPerWrite: number;
  /** For one payment: of API Gateway, and of SQS beside those that the function makes. */
  apiRequests: number;
  queueRequests: number;
}

/** What one payment costs in one step. */
interface Cost {
  gigabyteSeconds: number;
  dollars: number;
  requests: Record<string, number>;
}

const INVOCATIONS = 20;
/** Of Lambda, in GB, for every contender. */
const MEMORY = 1;
const BATCH = 10;

/**
 * What a payment costs, step by step and warm: the time that Lambda charges, with AWS and paytech answering 5 ms late,
 * and the requests that were counted, at the prices of `infra/cost.ts`. Items count as 1 KB, a batch of SNS as one
 * request. The look asks paytech and finds news, which it queues. Logs and traces are left out.
 */
export async function cost(aws: Aws, rounds: number): Promise<Part> {
  const webhooks = await webhookContenders(aws);
  const consumers = await consumerContenders(aws);
  // The contender has no order tokens.
  const environment = { ...environmentOf(aws), ORDER_TOKENS: 'off' };
  const bundled = (name: string): Contender => ({ name, file: ourBundle(name), environment });
  const tutorialCreate: Contender = {
    name: 'tutorial',
    file: await bundleAsCdkDoes('test/bench/contenders/tutorial-create.ts'),
    environment,
  };

  const create = (who: string, contender: Contender, unitsPerWrite: number): Step => ({
    name: `create a payment, ${who}`,
    contender,
    payments: 1,
    event: order,
    unitsPerWrite,
    apiRequests: 1,
    queueRequests: 0,
  });
  const receive = (who: string, contender: Contender): Step => ({
    name: `receive a webhook, ${who}`,
    contender,
    payments: 1,
    event: () => webhook(),
    unitsPerWrite: 0,
    apiRequests: 1,
    queueRequests: 0,
  });
  const apply = (who: string, contender: Contender, unitsPerWrite: number): Step => ({
    name: `apply an event, ${who}`,
    contender,
    payments: BATCH,
    event: (ids) => batch(ids, 'COMPLETED'),
    unitsPerWrite,
    apiRequests: 0,
    // Lambda receives and deletes whole batches.
    queueRequests: 2 / BATCH,
  });
  // Our table has an index of what is open; the contenders' have none.
  const ours = [
    create('ours', bundled('create-payment'), unitsPerWrite(USES.create)),
    receive('ours', webhooks.ours),
    apply('ours', consumers.ours, unitsPerWrite(USES.webhook)),
  ];
  const theirs = [
    create('tutorial', tutorialCreate, 1),
    receive('tutorial', webhooks.tutorial),
    apply('powertools', consumers.powertools, 1),
  ];
  const ourLook: Step = {
    name: 'look at an open payment, ours',
    contender: bundled('get-payment'),
    payments: 1,
    event: ([id]) => look(id!),
    unitsPerWrite: 0,
    apiRequests: 1,
    queueRequests: 0,
  };
  const steps = [...ours, ...theirs, ourLook];

  const sandboxes = new Map<Step, Sandbox>();
  try {
    for (const step of steps) sandboxes.set(step, await openSandbox(step.contender));
    for (const step of steps) await take(step);
    aws.delay(LATENCY_MS);
    const results = await interleave(steps, rounds, take);
    const dollars = (step: Step) => results.get(step)!.map((each) => each.dollars);
    const seconds = (step: Step) => results.get(step)!.map((each) => each.gigabyteSeconds);
    const together = (quantity: (step: Step) => number[], all: Step[]) =>
      Array.from({ length: rounds }, (_, round) =>
        all.reduce((sum, step) => sum + quantity(step)[round]!, 0),
      );
    return {
      figures: [
        compared(
          'cost of creating a payment, to tutorial',
          {},
          ratio(dollars(ours[0]!), dollars(theirs[0]!)),
        ),
        compared(
          'cost of receiving a webhook, to tutorial',
          {},
          ratio(dollars(ours[1]!), dollars(theirs[1]!)),
        ),
        compared(
          'cost of applying an event, to Powertools',
          {},
          ratio(dollars(ours[2]!), dollars(theirs[2]!)),
        ),
        compared(
          'cost of the three, to tutorial and Powertools',
          {},
          ratio(together(dollars, ours), together(dollars, theirs)),
        ),
        compared(
          'GB-seconds of the three, to tutorial and Powertools',
          {},
          ratio(together(seconds, ours), together(seconds, theirs)),
        ),
      ],
      measured: steps.map(
        (step): Measurement => ({
          part: 'cost',
          name: step.name,
          values: {
            'GB-seconds per 1,000 payments': seconds(step).map((each) => each * 1000),
            '$ per million payments': dollars(step).map((each) => each * 1e6),
          },
          requests: results.get(step)![0]!.requests,
        }),
      ),
    };
  } finally {
    aws.delay(0);
    await Promise.all([...sandboxes.values()].map((sandbox) => sandbox.close()));
  }

  /** Some invocations, one after the other. */
  async function take(step: Step): Promise<Cost> {
    const { payments, event } = step;
    const ids = Array.from({ length: INVOCATIONS * payments }, paymentId);
    await seed(aws, ids);
    await aws.count();
    let ms = 0;
    for (let start = 0; start < ids.length; start += payments) {
      const invoked = await sandboxes.get(step)!.invoke(event(ids.slice(start, start + payments)));
      const { statusCode = 200, batchItemFailures = [] } = invoked.answer as Answer;
      if (statusCode >= 300 || batchItemFailures.length > 0)
        throw new Error(`${step.name} answered ${JSON.stringify(invoked.answer)}`);
      ms += invoked.ms;
    }
    const counted = Object.entries(await aws.count());
    const requests = Object.fromEntries(counted.map(([action, count]) => [action, count / ids.length]));
    const gigabyteSeconds = ((ms / 1000) * MEMORY) / ids.length;
    return { gigabyteSeconds, dollars: dollarsOf(step, gigabyteSeconds, requests), requests };
  }
}

interface Answer {
  statusCode?: number;
  batchItemFailures?: unknown[];
}

const unitsPerWrite = ({ write, index }: { write: number; index: number }) => (write + index) / write;

function dollarsOf(step: Step, gigabyteSeconds: number, requests: Cost['requests']): number {
  const called = Object.entries(requests).reduce((sum, [action, count]) => {
    const price = PRICE_OF[action];
    if (price === undefined) throw new Error(`${action} has no price`);
    return sum + count * price * (price === PRICES.writeUnit ? step.unitsPerWrite : 1);
  }, 0);
  return (
    called +
    gigabyteSeconds * PRICES.gigabyteSecond +
    PRICES.invocation / step.payments +
    step.apiRequests * PRICES.apiRequest +
    step.queueRequests * PRICES.queueRequest
  );
}

const PRICE_OF: Record<string, number> = {
  SendMessage: PRICES.queueRequest,
  GetItem: PRICES.readUnit,
  PutItem: PRICES.writeUnit,
  UpdateItem: PRICES.writeUnit,
  Publish: PRICES.publication,
  PublishBatch: PRICES.publication,
  /** Once per environment in five minutes. */
  GetSecretValue: 0,
  paytech: 0,
};
