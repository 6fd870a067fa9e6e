import { randomUUID } from 'node:crypto';
import type { RESOLVED_KINDS } from '../../functions/operations/claims.ts';
import { releaseAction } from '../../shared/calls/release.ts';
import { resolveClaim } from '../../shared/calls/resolve.ts';
import { claimView, createdView } from '../../shared/http/payment-view.ts';
import { type Claim, type ClaimKind, isClaimKind } from '../../shared/payment/claim.ts';
import { withQueued } from '../../shared/payment/observation.ts';
import { optional } from '../../shared/payment/payment.ts';
import { shardsIn } from '../../shared/payment/schedule.ts';
import { mapOf } from '../../shared/runtime/concurrency.ts';
import { readClaim } from '../../shared/store/claims.ts';
import { type Cursor, SHARDS_AT_ONCE } from '../../shared/store/open-index.ts';
import { confirm } from './confirm.ts';
import type { Environment } from './environment.ts';
import { Failure } from './failure.ts';
import { duration, logger, money, type Result, table } from './output.ts';

const EVER = { after: 0, until: Number.MAX_SAFE_INTEGER };
const PAGE = 500;

const HINT =
  '"paytech-ops explain <id>" shows one; "paytech-ops claims resolve <kind> <id>" ends one that is flagged.';

/** `claims ls`: the claims that wait for a person, or with `all` every open one. */
export async function listClaims(environment: Environment, { all }: { all?: boolean }): Promise<Result> {
  const open = await openClaims(environment);
  const claims = open.filter(({ stage }) => all || stage === 'flagged').sort((a, b) => a.sentAt - b.sentAt);
  const rows = claims.map((claim) => [
    claim.kind,
    claim.referenceId,
    claim.stage,
    money(claim.request.amount, claim.request.currency),
    duration((Date.now() - claim.sentAt) / 1_000),
    claim.flag ?? '',
  ]);
  const none = all ? 'No claim is open.' : `No claim is flagged; ${open.length} are open.`;
  return {
    document: { claims: claims.map(claimView) },
    text:
      rows.length > 0
        ? `${table([['KIND', 'ID', 'STAGE', 'AMOUNT', 'AGE', 'WHY'], ...rows])}\n\n${HINT}`
        : none,
  };
}

async function openClaims({ table, index }: Environment): Promise<Claim[]> {
  const keys = (await mapOf(shardsIn(index), SHARDS_AT_ONCE, (shard) => openKeys(index, shard))).flat();
  const claims = await Promise.all(
    keys.map((pk) => {
      const kind = pk.slice(0, pk.indexOf('#'));
      return isClaimKind(kind) ? readClaim(table, kind, pk.slice(kind.length + 1)) : undefined;
    }),
  );
  return claims.filter((claim) => claim !== undefined);
}

/** Of claims only: there may be very many open payments. */
async function openKeys(index: Environment['index'], shard: number): Promise<string[]> {
  const found: string[] = [];
  let from: Cursor | undefined;
  do {
    const page = await index.due(shard, EVER, PAGE, from);
    found.push(...page.keys.map(({ pk }) => pk).filter((pk) => !pk.startsWith('payment#')));
    from = page.next;
  } while (from);
  return found;
}

export interface Resolving {
  outcome?: 'sent' | 'not-sent';
  reason: string;
  payment?: string;
  notPayment?: string[];
  yes?: boolean;
}

/** `claims resolve <kind> <id>`: a person decides what became of it; paytech is asked once more first. */
export async function resolve(
  environment: Environment,
  kind: (typeof RESOLVED_KINDS)[number],
  id: string,
  options: Resolving,
): Promise<Result> {
  const { outcome } = options;
  if (kind === 'operation') {
    if (outcome === 'sent' || options.payment || options.notPayment)
      throw new Failure(
        'An operation takes only --outcome not-sent, and no payments: what was sent shows in the payment itself.',
        2,
      );
    return release(environment, id, options);
  }
  if (!outcome) throw new Failure('Pass --outcome sent or --outcome not-sent.', 2);
  if (outcome === 'not-sent' && options.payment)
    throw new Failure('--payment goes only with the outcome sent.', 2);
  if (outcome === 'sent' && options.notPayment)
    throw new Failure('--not-payment goes only with the outcome not-sent.', 2);
  const so = outcome === 'sent' ? 'was sent' : 'was not sent, so that it may be sent again';
  await confirm(`Decide that ${kind} ${id} ${so}?`, options);
  return resolveFlagged(environment, kind, id, { ...options, outcome });
}

async function resolveFlagged(
  environment: Environment,
  kind: ClaimKind,
  referenceId: string,
  { outcome, reason, payment, notPayment = [] }: Resolving & { outcome: 'sent' | 'not-sent' },
): Promise<Result> {
  const result = await resolveClaim({ ...environment, now: Date.now, logger })({
    kind,
    referenceId,
    outcome,
    reason,
    ...optional('paymentId', payment),
    notPaymentIds: notPayment,
    caller: await environment.caller(),
    owner: randomUUID(),
  });
  const named = { kind, id: referenceId };
  switch (result.is) {
    case 'adopted':
      return {
        document: { ...named, result: 'adopted', payment: createdView(result.record) },
        text: `Adopted: paytech made payment ${result.record.id}, and the record has it.`,
      };
    case 'released':
      return {
        document: { ...named, result: 'released' },
        text: 'Released: the same request may be sent again.',
      };
    case 'not-found':
      throw new Failure(`There is no ${kind} ${referenceId}.`);
    case 'not-flagged':
      throw new Failure(`${kind} ${referenceId} is not flagged; only a flagged claim needs a person.`);
    case 'must-name': {
      const named = result.paymentIds.map((each) => `--not-payment ${each}`).join(' ');
      throw new Failure(
        `Nothing was changed: paytech has payments under this id. Look at each ("paytech-ops show <id>"). If one is what was asked for, pass --outcome sent --payment <id>; if none is, name them all: ${named}`,
      );
    }
    case 'mismatch':
      throw new Failure(`Nothing was changed: ${result.because}.`);
    case 'unavailable':
      throw new Failure('Nothing was changed: paytech could not be asked.');
    default:
      return result satisfies never;
  }
}

/** An action on a payment whose outcome is unknown. */
async function release(environment: Environment, id: string, options: Resolving): Promise<Result> {
  await confirm(`Decide that the open operation on payment ${id} will never take effect?`, options);
  const released = releaseAction({ ...environment, now: Date.now });
  const result = await released(id, await environment.caller(), options.reason);
  const named = { kind: 'operation', id };
  switch (result.is) {
    case 'released':
      return { document: { ...named, result: 'released' }, text: 'Released: another operation may begin.' };
    case 'moved':
      return {
        document: { ...named, result: 'adopted', payment: createdView(result.record) },
        text: `It took effect after all: paytech says ${withQueued(result.record).state}.`,
      };
    case 'not-open':
      throw new Failure(
        result.record
          ? `No operation is open on payment ${id}.`
          : `There is no record of payment ${id}. Name an operation by paytech's id of its payment, which "paytech-ops show <reference>" prints.`,
      );
    case 'too-early':
      throw new Failure(
        `Too early: paytech may still carry it out. Wait another ${result.seconds} s, then try again.`,
      );
    case 'unavailable':
      throw new Failure('Nothing was changed: paytech could not be asked.');
    default:
      return result satisfies never;
  }
}
