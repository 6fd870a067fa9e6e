import { PRICES } from '../../infra/stack/cost.ts';
import type { Aws } from './aws.ts';
import type { Counted } from './aws-process.ts';
import { bundleAsCdkDoes, ourBundle } from './build.ts';
import { webhookContenders } from './cold.ts';
import { consumerContenders, LATENCY_MS, seed } from './consumer.ts';
import { environmentOf } from './environment.ts';
import { batch, look, order, paymentId, webhook } from './events.ts';
import { compared, type Measurement, type Part } from './figures.ts';
import { assertDone, type Contender, openSandbox, type Sandbox } from './sandbox.ts';
import { interleave, ratio } from './statistics.ts';

/** One step of a payment by one contender, as it costs when its function is warm. */
interface Step {
  name: string;
  contender: Contender;
  /** Payments per invocation. */
  payments: number;
  event(ids: string[]): unknown;
  /** For one payment: of API Gateway, and of SQS beside those that the function makes. */
  apiRequests: number;
  queueRequests: number;
}

/** What one payment costs in one step. */
interface Cost extends Counted {
  gigabyteSeconds: number;
  dollars: number;
}

const INVOCATIONS = 20;
/** Of Lambda, in GB, for every contender. */
const MEMORY = 1;
const BATCH = 10;

const create = (who: string, contender: Contender): Step => ({
  name: `create a payment, ${who}`,
  contender,
  payments: 1,
  event: order,
  apiRequests: 1,
  queueRequests: 0,
});
const receive = (who: string, contender: Contender): Step => ({
  name: `receive a webhook, ${who}`,
  contender,
  payments: 1,
  event: () => webhook(),
  apiRequests: 1,
  queueRequests: 0,
});
const apply = (who: string, contender: Contender): Step => ({
  name: `apply an event, ${who}`,
  contender,
  payments: BATCH,
  event: (ids) => batch(ids, 'COMPLETED'),
  apiRequests: 0,
  // Lambda receives and deletes whole batches.
  queueRequests: 2 / BATCH,
});

/**
 * What a payment costs, step by step and warm: the time that Lambda charges, with AWS and paytech answering 5 ms late,
 * and the requests and the table's units that were counted, at the prices of `infra/stack/cost.ts`. A batch of SNS counts as
 * one request. The look asks paytech and finds a discrepancy, which it queues. Logs and traces are left out.
 */
export async function cost(aws: Aws, rounds: number): Promise<Part> {
  const webhooks = await webhookContenders(aws);
  const consumers = await consumerContenders(aws);
  // The contender has no order tokens.
  const environment = environmentOf(aws, { orderTokens: 'off' });
  const bundled = (name: string): Contender => ({ name, file: ourBundle(name), environment });
  const tutorialCreate: Contender = {
    name: 'tutorial',
    file: await bundleAsCdkDoes('test/bench/contenders/tutorial-create.ts'),
    environment,
  };

  const ours = [
    create('ours', bundled('create-payment')),
    receive('ours', webhooks.ours),
    apply('ours', consumers.ours),
  ];
  const theirs = [
    create('tutorial', tutorialCreate),
    receive('tutorial', webhooks.tutorial),
    apply('powertools', consumers.powertools),
  ];
  const ourLook: Step = {
    name: 'look at an open payment, ours',
    contender: bundled('get-payment'),
    payments: 1,
    event: ([id]) => look(id!),
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
    return {
      figures: figuresOf(ours, theirs, rounds, dollars, seconds),
      measured: steps.map(
        (step): Measurement => ({
          subject: 'cost',
          name: step.name,
          values: {
            'GB-seconds per 1,000 payments': seconds(step).map((each) => each * 1000),
            '$ per million payments': dollars(step).map((each) => each * 1e6),
            'write units per payment, index included': results
              .get(step)!
              .map(({ units: { write, index } }) => write + index),
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
      assertDone(step.contender, invoked.answer);
      ms += invoked.ms;
    }
    const { requests, units } = await aws.count();
    const counted = { requests: eachOf(requests, ids.length), units: eachOf(units, ids.length) };
    const gigabyteSeconds = ((ms / 1000) * MEMORY) / ids.length;
    return { gigabyteSeconds, dollars: dollarsOf(step, gigabyteSeconds, counted), ...counted };
  }
}

/** How much dearer ours is than theirs, step by step and together. */
function figuresOf(
  ours: Step[],
  theirs: Step[],
  rounds: number,
  dollars: (step: Step) => number[],
  seconds: (step: Step) => number[],
) {
  const together = (quantity: (step: Step) => number[], all: Step[]) =>
    Array.from({ length: rounds }, (_, round) => all.reduce((sum, step) => sum + quantity(step)[round]!, 0));
  return [
    compared('cost of creating a payment, to tutorial', {}, ratio(dollars(ours[0]!), dollars(theirs[0]!))),
    compared('cost of receiving a webhook, to tutorial', {}, ratio(dollars(ours[1]!), dollars(theirs[1]!))),
    compared('cost of applying an event, to Powertools', {}, ratio(dollars(ours[2]!), dollars(theirs[2]!))),
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
  ];
}

function eachOf<Counts extends object>(counts: Counts, payments: number): Counts {
  const each = Object.entries(counts).map(([what, count]) => [what, count / payments]);
  return Object.fromEntries(each) as Counts;
}

function dollarsOf(step: Step, gigabyteSeconds: number, { requests, units }: Counted): number {
  const called = Object.entries(requests).reduce((sum, [action, count]) => {
    const price = PRICE_OF[action];
    if (price === undefined) throw new Error(`${action} has no price`);
    return sum + count * price;
  }, 0);
  return (
    called +
    units.read * PRICES.readUnit +
    (units.write + units.index) * PRICES.writeUnit +
    gigabyteSeconds * PRICES.gigabyteSecond +
    PRICES.invocation / step.payments +
    step.apiRequests * PRICES.apiRequest +
    step.queueRequests * PRICES.queueRequest
  );
}

/** Of one request; the table's is in its units. */
const PRICE_OF: Record<string, number> = {
  SendMessage: PRICES.queueRequest,
  GetItem: 0,
  PutItem: 0,
  UpdateItem: 0,
  Publish: PRICES.publication,
  PublishBatch: PRICES.publication,
  /** Once per environment in five minutes. */
  GetSecretValue: 0,
  paytech: 0,
};
