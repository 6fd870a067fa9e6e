import { keyFingerprint } from '../../shared/paytech/signature.ts';
import { READ_LIMIT_MS } from '../../shared/paytech/time-limits.ts';
import { forEachOf } from '../../shared/runtime/concurrency.ts';
import { DAY_MS } from '../../shared/runtime/time.ts';
import { readPayment } from '../../shared/store/payments.ts';
import type { Environment } from './environment.ts';
import { Failure } from './failure.ts';
import { count, progress, type Result, table, time } from './output.ts';
import { openProgress } from './progress.ts';

const PAGE = 250;
const CONCURRENT_READS = 16;

/** A key that was in use until just now may sign what is still on its way. */
const OLD_KEY_SILENT_MS = DAY_MS;

interface Use {
  key: string;
  encoding: string;
  webhooks: number;
  /** ISO 8601, UTC. */
  last: string;
}

export interface Options {
  /** Epoch milliseconds. */
  since: number;
  /** Payments that are looked at, the newest first. */
  max: number;
}

/** `keys`: which signing key and encoding the webhooks of late matched, and whether an old key may go. */
export async function keys(environment: Environment, { since, max }: Options): Promise<Result> {
  const configured = (await environment.signingKeys.get()).map(keyFingerprint);
  const { ids, isAll } = await changedSince(environment, since, max);
  progress(`Looking at ${count(ids.length, 'payment')} that changed since ${time(since)}.`);
  const uses = await usesIn(environment, ids, new Date(since).toISOString());

  const newestWorks = uses.some(({ key }) => key === configured[0]);
  const lookedLongEnough = isAll && Date.now() - since >= OLD_KEY_SILENT_MS;
  const judged = configured.map((key, index) => {
    const used = uses.filter((each) => each.key === key);
    const last =
      used
        .map((each) => each.last)
        .sort()
        .at(-1) ?? null;
    const isOld = index > 0;
    const retirable = isOld && newestWorks && last === null && lookedLongEnough;
    return { key, is: isOld ? 'old' : 'newest', last, retirable, why: whyOf() };

    function whyOf(): string {
      if (!isOld) return 'it is the newest: keep it';
      if (last) return `a webhook matched it at ${time(last)}: keep it`;
      if (!newestWorks) return 'no webhook has matched the newest key yet: keep it';
      if (!lookedLongEnough)
        return `not enough was looked at (--since at least 24h${isAll ? '' : ', a higher --max'}): keep it`;
      return 'the newest key matches and this one has not: it may be retired';
    }
  });
  const unknown = uses.filter(({ key }) => !configured.includes(key));
  return {
    document: {
      since: new Date(since).toISOString(),
      payments: ids.length,
      complete: isAll,
      uses,
      keys: judged,
    },
    text: [
      table([
        ['KEY', 'ENCODING', 'WEBHOOKS', 'LAST'],
        ...uses.map(({ key, encoding, webhooks, last }) => [key, encoding, String(webhooks), time(last)]),
      ]),
      '',
      ...judged.map(({ key, is, why }) => `Key ${key} (${is}): ${why}.`),
      ...unknown.map(({ key }) => `Key ${key} is not in the secret any more.`),
    ].join('\n'),
  };
}

/** paytech's list is what knows which payments changed lately; the table has no such index. */
async function changedSince({ gateway, maxAgeMs }: Environment, since: number, max: number) {
  const ids = new Set<string>();
  const query = { createdFrom: new Date(Date.now() - maxAgeMs), updatedFrom: new Date(since), limit: PAGE };
  for (let offset = 0; ids.size < max; offset += PAGE) {
    const answer = await gateway.listReadable({ ...query, offset }, READ_LIMIT_MS);
    if (answer.kind !== 'answered') throw new Failure('paytech could not be asked what changed.');
    for (const { id } of answer.result.payments) ids.add(id);
    if (!answer.result.hasMore) return { ids: [...ids].slice(0, max), isAll: ids.size <= max };
  }
  return { ids: [...ids].slice(0, max), isAll: false };
}

async function usesIn({ table }: Environment, ids: readonly string[], since: string): Promise<Use[]> {
  const uses = new Map<string, Use>();
  const shown = openProgress('Payments read', ids.length);
  await forEachOf(ids, CONCURRENT_READS, async (id) => {
    const record = await readPayment(table, id);
    shown.step();
    for (const { at, signature } of [...(record?.history ?? []), ...(record?.quarantine ?? [])]) {
      if (!signature || at < since) continue;
      const name = `${signature.key} ${signature.encoding}`;
      const use = uses.get(name) ?? { ...signature, webhooks: 0, last: at };
      uses.set(name, { ...use, webhooks: use.webhooks + 1, last: at > use.last ? at : use.last });
    }
  });
  shown.end();
  return [...uses.values()].sort((a, b) => (a.last < b.last ? 1 : -1));
}
