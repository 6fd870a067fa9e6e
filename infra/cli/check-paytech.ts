/** Checks of `doctor` that ask whether paytech does what this service builds on. */
import { randomUUID } from 'node:crypto';
import { isFinal } from '../../shared/payment/state.ts';
import type { GatewayPayment } from '../../shared/paytech/wire.ts';
import { DAY_MS } from '../../shared/runtime/time.ts';
import { readPayment } from '../../shared/store/payments.ts';
import type { Environment } from './environment.ts';
import type { Finding } from './finding.ts';
import { count } from './output.ts';

const LIMIT_MS = 10_000;
/** Payments of the last day that are looked at. */
const LOOKED_AT = 50;

/** Whether webhooks arrive and are believed: of what ended lately, some must have been reported by one. */
export async function webhooksArrive(environment: Environment): Promise<Finding> {
  const ended = await endedLately(environment);
  if (!ended) return { is: 'warn', detail: 'paytech could not be asked which payments ended' };
  const records = await Promise.all(ended.map(({ id }) => readPayment(environment.table, id)));
  const before = Date.now() - environment.graceMs;
  const known = records.filter((record) => record && Date.parse(record.history.at(-1)!.at) < before);
  if (known.length === 0) return { is: 'ok', detail: 'no payment has ended in the last day' };
  const reported = known.filter((record) =>
    [...record!.history, ...record!.quarantine].some(({ signature }) => signature),
  );
  if (reported.length > 0) {
    return {
      is: 'ok',
      detail: `brought ${reported.length} of the last ${count(known.length, 'ended payment')}`,
    };
  }
  return {
    is: 'fail',
    detail: `brought none of the last ${count(known.length, 'ended payment')}: compare the webhook URL and the signing key with paytech's back office`,
  };
}

async function endedLately({ gateway }: Environment): Promise<GatewayPayment[] | undefined> {
  const query = { createdFrom: new Date(Date.now() - DAY_MS), limit: LOOKED_AT };
  const answer = await gateway.listReadable(query, LIMIT_MS);
  return answer.kind === 'answered'
    ? answer.result.payments.filter(({ facts }) => isFinal(facts.state))
    : undefined;
}

/** A list that takes no notice of its filter would have every payment of the shop taken for the one looked for. */
export async function listFilter({ gateway }: Environment): Promise<Finding> {
  const query = {
    createdFrom: new Date(Date.now() - DAY_MS),
    referenceId: `doctor-${randomUUID()}`,
    limit: 1,
  };
  const answer = await gateway.listReadable(query, LIMIT_MS);
  if (answer.kind !== 'answered') return { is: 'warn', detail: 'paytech could not be asked for a reference' };
  const { payments, hasMore } = answer.result;
  return payments.length === 0 && !hasMore
    ? { is: 'ok', detail: 'finds nothing under a reference that nobody has used' }
    : {
        is: 'fail',
        detail: `finds ${payments[0]?.id ?? 'something'} under a reference that nobody has used: ask paytech's support; payouts whose outcome is unknown must wait`,
      };
}
