import { PRICES, USES } from '../../infra/cost.ts';
import type { Aws } from './aws.ts';
import { webhookContenders } from './cold.ts';
import { consumerContenders, LATENCY_MS, seed } from './consumer.ts';
import { batch, paymentId, webhook } from './events.ts';
import { compared, type Measurement, type Part } from './figures.ts';
import { type Contender, openSandbox, type Sandbox } from './sandbox.ts';
import { interleave, ratio } from './statistics.ts';

/** One function of one contender, as it costs when it is warm. */
interface Run {
  name: string;
  contender: Contender;
  /** Payments per invocation. */
  payments: number;
  event(ids: string[]): unknown;
}

const INVOCATIONS = 20;
/** Of Lambda, in GB, for every contender. */
const MEMORY = 1;
const BATCH = 10;

/**
 * What a webhook costs on its way to the table, warm: the time that Lambda charges, with AWS answering 5 ms late, and
 * the requests that were counted, at the prices of `infra/cost.ts`. Items count as 1 KB, a batch of SNS as one
 * request. What everybody pays alike, such as API Gateway, is left out.
 */
export async function cost(aws: Aws, rounds: number): Promise<Part> {
  const webhooks = await webhookContenders(aws);
  const consumers = await consumerContenders(aws);
  const receive = (who: string, contender: Contender): Run => ({
    name: `receive a webhook, ${who}`,
    contender,
    payments: 1,
    event: () => webhook(),
  });
  const apply = (who: string, contender: Contender): Run => ({
    name: `apply an event, ${who}`,
    contender,
    payments: BATCH,
    event: (ids) => batch(ids, 'COMPLETED'),
  });
  const [ourWebhook, theirWebhook] = [receive('ours', webhooks.ours), receive('tutorial', webhooks.tutorial)];
  const [ourEvent, theirEvent] = [apply('ours', consumers.ours), apply('powertools', consumers.powertools)];
  const runs = [ourWebhook, theirWebhook, ourEvent, theirEvent];

  const sandboxes = new Map<Run, Sandbox>();
  try {
    for (const run of runs) sandboxes.set(run, await openSandbox(run.contender));
    for (const run of runs) await handle(run);
    aws.delay(LATENCY_MS);
    const results = await interleave(runs, rounds, handle);
    const dollars = (run: Run) => results.get(run)!.map((each) => each.dollars);
    return {
      figures: [
        compared(
          'cost of receiving a webhook, to tutorial',
          {},
          ratio(dollars(ourWebhook), dollars(theirWebhook)),
        ),
        compared(
          'cost of applying an event, to Powertools',
          {},
          ratio(dollars(ourEvent), dollars(theirEvent)),
        ),
      ],
      measured: runs.map(
        (run): Measurement => ({
          part: 'cost',
          name: run.name,
          values: {
            'GB-seconds per 1,000 payments': results.get(run)!.map((each) => each.gigabyteSeconds * 1000),
            '$ per million payments': dollars(run).map((each) => each * 1e6),
          },
          requests: results.get(run)![0]!.requests,
        }),
      ),
    };
  } finally {
    aws.delay(0);
    await Promise.all([...sandboxes.values()].map((sandbox) => sandbox.close()));
  }

  /** Some invocations, one after the other; all of it for one payment. */
  async function handle({ payments, event, ...run }: Run) {
    const sandbox = sandboxes.get(runs.find(({ name }) => name === run.name)!)!;
    const ids = Array.from({ length: INVOCATIONS * payments }, paymentId);
    if (payments > 1) await seed(aws, ids);
    await aws.count();
    let ms = 0;
    for (let start = 0; start < ids.length; start += payments)
      ms += (await sandbox.invoke(event(ids.slice(start, start + payments)))).ms;
    const counted = Object.entries(await aws.count());
    const requests = Object.fromEntries(counted.map(([action, count]) => [action, count / ids.length]));
    const gigabyteSeconds = ((ms / 1000) * MEMORY) / ids.length;
    const dollars =
      gigabyteSeconds * PRICES.gigabyteSecond +
      PRICES.invocation / payments +
      Object.entries(requests).reduce(
        (sum, [action, count]) => sum + count * priceOf(action, run.contender),
        0,
      );
    return { gigabyteSeconds, dollars, requests };
  }
}

/** Our update of a payment moves it in the index of what is open as well, which the contender's table has not. */
function priceOf(action: string, { name }: Contender): number {
  const price = PRICE_OF[action];
  if (price === undefined) throw new Error(`${action} has no price`);
  const isOurUpdate = name === 'ours' && action === 'UpdateItem';
  return isOurUpdate ? price * (USES.webhook.write + USES.webhook.index) : price;
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
};
