import type { EventQueue } from '../messaging/event-queue.ts';
import {
  type AskedRequest,
  type Claim,
  type ClaimKind,
  type ClaimStage,
  counts,
  isAsMuch,
  isOrder,
  LEASE_MS,
  LOOK_UP_GAP_MS,
  mayTry,
  movesByItself,
  nextStep,
  parametersBefore,
  paymentsOf,
  sameRequest,
} from '../payment/claim.ts';
import { withQueued } from '../payment/observation.ts';
import type { Parameters } from '../payment/parameters.ts';
import { optional, type PaymentRecord, paymentAt } from '../payment/payment.ts';
import { gatewayReference } from '../payment/reference.ts';
import { endedInVain, meansMoney } from '../payment/state.ts';
import type { CreatePaymentBody, FieldError, GatewayClient } from '../paytech/client.ts';
import { SHORT_ASK_LIMIT_MS } from '../paytech/time-limits.ts';
import type { GatewayPayment } from '../paytech/wire.ts';
import type { Logger } from '../runtime/logger.ts';
import { DAY_MS } from '../runtime/time.ts';
import { readClaim, saveClaim } from '../store/claims.ts';
import type { Table } from '../store/table.ts';
import { callOnce } from './call-once.ts';
import { lookUpClaim } from './check.ts';
import { completeClaim } from './complete-claim.ts';
import { teach } from './identify.ts';
import { lookBeforeSending } from './look-before-sending.ts';
import { type NotReserved, type Reserve, reserveFor } from './reserve.ts';
import { recordsOf } from './siblings.ts';
import { standFlagged } from './stand.ts';

/*
 * Claim, then call: creating a payment at paytech, which does not deduplicate, at most once per attempt.
 * The claim is written before paytech is called; whoever finds it later carries on from what it says. The
 * rules are in shared/payment/claim.ts, with a table of every stage; here they meet the table and the gateway.
 */

export interface ClaimedCallDependencies {
  table: Table;
  gateway: Pick<GatewayClient, 'create' | 'get' | 'list'>;
  queue: EventQueue;
  /** Epoch milliseconds. */
  now: () => number;
  logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** One request to create a payment. */
export interface ClaimedCall {
  kind: ClaimKind;
  referenceId: string;
  request: AskedRequest;
  /** What of the merchant's parameters is kept with the payment. */
  additionalParameters?: Parameters;
  /** What paytech is sent, given the reference under which the attempt goes out. */
  body: (reference: string) => CreatePaymentBody;
  /** It charges by a token: see {@link Claim.unattended}. */
  unattended?: true;
  /** Unique to this request of ours, whatever it repeats. */
  owner: string;
  /** When this process will be stopped, in epoch milliseconds. */
  deadline: number;
  /** Who asks, where it is a person or system of the merchant's. */
  caller?: string;
  requestId?: string;
}

/** How it ended; waits are in seconds. */
export type CallResult =
  | { is: 'created' | 'existing'; record: PaymentRecord }
  /** Another content under the same id. */
  | { is: 'conflict' }
  /** The customer is paying by another method. */
  | { is: 'under-way'; record: PaymentRecord }
  /** A person has to decide first. */
  | { is: 'flagged' }
  | { is: 'in-progress' | 'unknown'; seconds: number }
  | { is: 'rejected'; message: string; errors: FieldError[] }
  | { is: 'unavailable'; status?: number }
  | NotReserved;

/** No deployment forgets a payment before. */
const SHORTEST_RETENTION_MS = DAY_MS;

/** Every round either ends or has seen the claim change under another request. */
const MAX_ROUNDS = 5;

export function claimedCall(deps: ClaimedCallDependencies) {
  const { table, now } = deps;
  const look = lookBeforeSending(deps);

  return async function create(call: ClaimedCall): Promise<CallResult> {
    let found: Claim | undefined;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const outcome = (found && (await existingFor(call, found))) ?? (await take(call, found));
      if (!('movedTo' in outcome)) return outcome;
      found = outcome.movedTo;
    }
    return { is: 'in-progress', seconds: 1 };
  };

  async function take(call: ClaimedCall, claim: Claim | undefined): Promise<RoundResult> {
    const step = nextStep(claim, call.request, now());
    switch (step.do) {
      case 'send':
        return send(call, claim, step.attempt);
      case 'show':
        return show(call, claim!, step.paymentId);
      case 'look-up':
        return lookUp(call, claim!);
      case 'wait':
        return { is: step.because, seconds: step.seconds };
      case 'refuse':
        return { is: step.because };
      default:
        return step satisfies never;
    }
  }

  /**
   * The answer of a claim whose payments decide the matter, whatever stage it is in: an order of which one holds
   * money, in the record or in what is queued for it; a payout of which one has not failed. Undefined otherwise.
   */
  async function existingFor(call: ClaimedCall, claim: Claim): Promise<CallResult | undefined> {
    const all = await recordsOf(table, claim);
    for (const each of all) await teach(deps, claim, each, call.requestId);
    const records = all.filter((each) => counts(claim, each, call.request));
    const deciding = records.filter((each) => {
      const { state } = withQueued(each);
      return claim.kind === 'deposit' ? meansMoney(state) : !endedInVain(state);
    });
    if (deciding.length === 0) {
      const isKnown = (id: string) =>
        claim.deniedPaymentIds?.includes(id) || all.some((each) => each.id === id);
      if (paymentsOf(claim).every(isKnown)) return undefined;
      // A claim names a payment just before its record is written.
      if (now() - claim.sentAt < SHORTEST_RETENTION_MS) return { is: 'in-progress', seconds: 1 };
      // Of what is forgotten, since its retention is over, nobody can say that it failed.
      return { is: 'conflict' };
    }
    const fitting = deciding.filter((each) => {
      const isOwn = !claim.otherPaymentIds?.includes(each.id);
      if (isOwn) return sameRequest(claim.request, call.request);
      return isOfParent(claim.kind, each, call.request) && isAsMuch(each, call.request);
    });
    const same = fitting.find(({ id }) => id === claim.paymentId) ?? fitting[0];
    if (same) return { is: 'existing', record: same };
    // With other money it may still be what was asked for: a look-up, or a person, says so.
    const isUndecided = claim.kind !== 'deposit' && UNDECIDED.has(claim.stage);
    return isUndecided && sameRequest(claim.request, call.request) ? undefined : { is: 'conflict' };
  }

  /** Takes the attempt and, once it is ours alone and its money set aside, calls paytech. */
  async function send(call: ClaimedCall, previous: Claim | undefined, attempt: number): Promise<RoundResult> {
    const against = previous && (await whatStandsAgainst(call, previous, attempt));
    if (against && !('untold' in against)) return against;
    const sentAt = now();
    const { kind, referenceId, owner, caller } = call;
    const { earlierFingerprint: _, ...request } = call.request;
    const reserve = reserveFor(table, kind);
    const next = {
      kind,
      referenceId,
      attempt,
      stage: reserve ? ('reserving' as const) : ('sent' as const),
      owner,
      leaseUntil: sentAt + LEASE_MS,
      sentAt,
      request,
      ...optional('additionalParameters', call.additionalParameters),
      ...optional('earlierParameters', parametersBefore(previous, { ...call, attempt })),
      earlierPaymentIds: previous ? ownPaymentsOf(previous) : [],
      ...optional('otherPaymentIds', previous?.otherPaymentIds),
      ...optional('deniedPaymentIds', previous?.deniedPaymentIds),
      ...optional('limitedAttempts', previous?.limitedAttempts),
      ...optional('unattended', call.unattended),
      ...optional('caller', caller),
      ...(reserve ? { turn: (previous?.revision ?? 0) + 1 } : {}),
      ...optional('resolutions', previous?.resolutions),
    };
    if (against) return flag(next, previous, `payment ${against.untold} may be it`);
    if (!mayTry(next)) return flag(next, previous, `there were ${attempt - 1} attempts`);
    const taken = await saveClaim(table, previous, next);
    if (!taken.saved) return { movedTo: taken.claim };
    const held = reserve ? await hold(reserve, taken.claim) : taken;
    if (!('claim' in held)) return held;
    const { claim } = held;
    const called = await callOnce(deps, {
      until: Math.min(claim.leaseUntil, call.deadline),
      call: (limitMs) => deps.gateway.create(call.body(gatewayReference(referenceId, attempt)), limitMs),
      giveBack: (status) => release(status === 429 ? withLimited(claim) : claim),
      about: { referenceId, attempt },
      isSure: !movesByItself(claim),
    });
    switch (called.is) {
      case 'done':
        return complete(call, claim, called.result);
      case 'unknown':
        return unknownOutcome(call, called.limited ? { ...claim, limited: true } : claim);
      default:
        return called;
    }
  }

  /** What paytech says of earlier attempts, before another goes out. */
  async function whatStandsAgainst(
    call: ClaimedCall,
    previous: Claim,
    attempt: number,
  ): Promise<RoundResult | { untold: string } | undefined> {
    if (paymentsOf(previous).length === 0 && attempt === 1) return undefined;
    if (call.kind === 'deposit') {
      const records = await recordsOf(table, previous);
      const found = await look.forDeposits(previous, records, call);
      if (found?.is === 'untold') return { untold: found.paymentId };
      return found?.is === 'alive' ? showLive(call, previous, found.record) : found;
    }
    const against = await look.forPayouts(previous, await recordsOf(table, previous), call.requestId);
    if (against?.is === 'untold') return { untold: against.paymentId };
    // Noted in its record by now: whether it is what was asked for is judged as for any other.
    return against?.is === 'existing' ? { movedTo: previous } : against;
  }

  /** So many attempts are made by no customer; and what may have paid the order nobody else can tell. */
  async function flag(
    next: Omit<Claim, 'revision'>,
    previous: Claim | undefined,
    why: string,
  ): Promise<RoundResult> {
    const saved = await saveClaim(table, previous, { ...next, stage: 'flagged', flag: why });
    if (!saved.saved) return { movedTo: saved.claim };
    await standFlagged(deps, saved.claim);
    return { is: 'flagged' };
  }

  /** Sets the money aside; the claim as `sent` in its place is the right to call paytech. */
  async function hold(reserve: Reserve, claim: Claim): Promise<{ claim: Claim } | RoundResult> {
    const held = await reserve.hold(claim);
    switch (held.is) {
      case 'held': {
        const sent = await saveClaim(table, claim, { ...claim, stage: 'sent', sentAt: now() });
        return sent.saved ? { claim: sent.claim } : { movedTo: sent.claim };
      }
      case 'made': {
        const known = await saveClaim(table, claim, { ...claim, stage: 'known', paymentId: held.paymentId });
        return { movedTo: known.claim };
      }
      case 'overtaken':
        return { movedTo: await readClaim(table, claim.kind, claim.referenceId) };
      case 'refused':
        await saveClaim(table, claim, { ...claim, stage: 'released' });
        return held.refusal;
      default:
        return held satisfies never;
    }
  }

  /**
   * paytech made nothing. What was set aside is given back before the claim is free, and the claim says first
   * that nothing is on its way, so that whoever finds it half done need not ask paytech.
   */
  async function release(claim: Claim): Promise<void> {
    const reserve = reserveFor(table, claim.kind);
    if (!reserve) {
      await saveClaim(table, claim, { ...claim, stage: 'released' });
      return;
    }
    const unsent = await saveClaim(table, claim, { ...claim, stage: 'reserving' });
    if (!unsent.saved || !(await reserve.giveBack(unsent.claim))) return;
    await saveClaim(table, unsent.claim, { ...unsent.claim, stage: 'released' });
  }

  async function complete(call: ClaimedCall, claim: Claim, payment: GatewayPayment): Promise<RoundResult> {
    const by = { ...optional('caller', claim.caller), ...optional('requestId', call.requestId) };
    const answered: Claim = claim.unattended ? { ...claim, answered: true } : claim;
    return made(call, await completeClaim(deps, answered, payment, by));
  }

  /** Shows what paytech made, unless the claim has another payment meanwhile that goes before it. */
  async function made(
    call: ClaimedCall,
    { record, claim }: { record: PaymentRecord; claim: Claim },
  ): Promise<RoundResult> {
    const existing = paymentsOf(claim).length > 1 ? await existingFor(call, claim) : undefined;
    if (existing?.is === 'existing' && existing.record.id !== record.id) return existing;
    return claim.paymentId === record.id ? { is: 'created', record } : { movedTo: claim };
  }

  /** Says so in the claim first, so that nobody has to wait for the lease, then looks whether it was made. */
  async function unknownOutcome(call: ClaimedCall, claim: Claim): Promise<RoundResult> {
    const saved = await saveClaim(table, claim, { ...claim, stage: 'unknown' });
    if (!saved.saved) return { movedTo: saved.claim };
    if (now() + SHORT_ASK_LIMIT_MS > call.deadline) return { is: 'unknown', seconds: LOOK_UP_GAP_MS / 1000 };
    return lookUp(call, saved.claim);
  }

  /** Asks paytech what became of the attempt, and adopts, flags or releases it. */
  async function lookUp(call: ClaimedCall, claim: Claim): Promise<RoundResult> {
    const looked = await lookUpClaim(deps, claim);
    switch (looked.is) {
      case 'adopted':
        return made(call, looked);
      case 'not-made':
        return claim.kind === 'deposit' ? send(call, claim, claim.attempt + 1) : { movedTo: looked.claim };
      case 'flagged':
        return looked.saved.saved ? { is: 'flagged' } : { movedTo: looked.saved.claim };
      case 'undecided':
        return looked.saved.saved
          ? { is: 'unknown', seconds: looked.seconds }
          : { movedTo: looked.saved.claim };
      case 'unanswered':
        return { is: 'unknown', seconds: LOOK_UP_GAP_MS / 1000 };
      default:
        return looked satisfies never;
    }
  }

  /** Shows the payment that the claim stands for, or begins the next attempt where all have ended in vain. */
  async function show(call: ClaimedCall, claim: Claim, paymentId: string): Promise<RoundResult> {
    const records = await recordsOf(table, claim);
    const current = records.find(({ id }) => id === paymentId);
    // Deleted, since its retention is over; the claim stays so that nothing is paid again in its name.
    if (!current) return { is: 'conflict' };
    const alive = records.filter((each) => counts(claim, each) && !endedInVain(withQueued(each).state));
    const live = alive.find(({ id }) => id === paymentId) ?? alive.at(-1);
    // What pays out or charges again is never repeated under its own id: a new one says that it is meant.
    if (!isOrder(claim)) {
      return live ? { is: 'existing', record: live } : look.ended(claim, records, current, call);
    }
    if (live) return showLive(call, claim, live);
    if (movesByItself(claim) && !claim.answered) return flagFound(claim);
    return send(call, claim, claim.attempt + 1);
  }

  /** What was found where a charge by a token was not answered need not be what that has made. */
  async function flagFound(claim: Claim): Promise<RoundResult> {
    const why = 'the call was not answered, and the payment that was found for it has failed';
    const saved = await saveClaim(table, claim, { ...claim, stage: 'flagged', flag: why });
    if (!saved.saved) return { movedTo: saved.claim };
    await standFlagged(deps, saved.claim);
    return { is: 'flagged' };
  }

  async function showLive(call: ClaimedCall, claim: Claim, record: PaymentRecord): Promise<RoundResult> {
    const { state, paymentMethod = claim.request.paymentMethod } = paymentAt(withQueued(record));
    if (state === 'CHECKOUT') {
      return { is: 'existing', record: record.redirectUrl ? record : await look.forRedirectUrl(record) };
    }
    const { paymentMethod: asked = paymentMethod } = call.request;
    const isOther = paymentMethod !== undefined && asked !== paymentMethod;
    return { is: isOther ? 'under-way' : 'existing', record };
  }
}

/** Paytech was called, and nobody knows yet what came of it. */
const UNDECIDED: ReadonlySet<ClaimStage> = new Set(['sent', 'unknown', 'flagged']);

/** Whether a payment of elsewhere may be of the payment that is asked for: a refund says of which it is, a charge need not. */
function isOfParent(
  kind: ClaimKind,
  { parentPaymentId }: PaymentRecord,
  { parentPaymentId: asked }: AskedRequest,
): boolean {
  if (kind !== 'refund' && (asked === undefined || parentPaymentId === undefined)) return true;
  return parentPaymentId === asked;
}

/** paytech may have made it all the same, and the next call goes out under the same reference. */
function withLimited(claim: Claim): Claim {
  return { ...claim, limitedAttempts: { ...claim.limitedAttempts, [claim.attempt]: true } };
}

/** Of all attempts so far, the current one last. */
function ownPaymentsOf({ earlierPaymentIds, paymentId }: Claim): string[] {
  return [...new Set([...earlierPaymentIds, ...(paymentId === undefined ? [] : [paymentId])])];
}

/** A result, or the claim as another request has left it. */
type RoundResult = CallResult | { movedTo: Claim | undefined };
