import { type Claim, isForMoney, LOOK_UP_GAP_MS, movesByItself, paymentsOf, TYPE_OF_KIND } from './claim.ts';
import { type Decimal, NOTHING } from './money.ts';
import { endedInVain, meansMoney, type PaymentState, type PaymentType } from './state.ts';

/** When an attempt that was answered 429 has certainly not been taken, if it is still not found. */
const LIMITED_MS = 2 * 60_000;

/** A payment that paytech's list has under the attempt's reference; absent fields were not mentioned. */
export interface FoundPayment {
  id: string;
  paymentType?: PaymentType;
  /** What was asked of paytech, which may differ from what the provider got. */
  requested: { amount?: Decimal; currency?: string };
  parentPaymentId?: string;
  state?: PaymentState;
  /** Its reference or its type is unknown: it may be another's. */
  unsure?: true;
}

export type LookUpResult =
  /** `others` belong to it too, and are to be recorded. */
  | { do: 'adopt'; paymentId: string; others: string[] }
  | { do: 'flag'; reason: string }
  | { do: 'release' }
  | { do: 'wait'; seconds: number };

/** What a look-up that began at `startedAt` means for the claim. */
export function judgeLookUp(claim: Claim, found: readonly FoundPayment[], startedAt: number): LookUpResult {
  const possible = candidates(claim, found);
  const ours = possible.filter(({ unsure }) => !unsure);
  const fitting = ours.filter((each) => !misfitOf(claim, each));
  if (claim.kind === 'deposit') {
    // Nobody can pay what does not fit in this order's name: it was made elsewhere.
    const cascades = cascadesOf(claim, fitting, found);
    const isPaid = ({ state }: FoundPayment) => state !== undefined && meansMoney(state);
    const shown = goesFirst([...fitting, ...cascades.filter(isPaid)]);
    if (shown) {
      const all = [...fitting, ...cascades];
      const others = all.filter((each) => each !== shown).map(({ id }) => id);
      return { do: 'adopt', paymentId: shown.id, others };
    }
  }
  if (movesByItself(claim)) {
    const [only, another] = ours;
    if (another) return { do: 'flag', reason: `paytech has ${ours.length} payments under this reference` };
    const unsure = possible.find((each) => each.unsure);
    if (unsure) return { do: 'flag', reason: `payment ${unsure.id} may be under this reference` };
    const misfit = only && misfitOf(claim, only);
    if (misfit) return { do: 'flag', reason: `payment ${only.id} has another ${misfit}` };
    if (only) return { do: 'adopt', paymentId: only.id, others: [] };
  }
  const [other] = movesByItself(claim) ? (claim.otherPaymentIds ?? []) : [];
  if (claim.limited && !other) {
    const isOver = claim.firstLookUpAt !== undefined && startedAt - claim.sentAt >= LIMITED_MS;
    return isOver
      ? { do: 'release' }
      : { do: 'wait', seconds: Math.max(3, Math.ceil((claim.sentAt + LIMITED_MS - startedAt) / 1000)) };
  }
  const seenTwice = claim.firstLookUpAt !== undefined && startedAt - claim.firstLookUpAt >= LOOK_UP_GAP_MS;
  if (!seenTwice || startedAt < claim.leaseUntil) return { do: 'wait', seconds: LOOK_UP_GAP_MS / 1000 };
  // A lost deposit cannot be paid, nobody has seen its redirectUrl; money that goes out needs nobody to.
  if (!movesByItself(claim)) return { do: 'release' };
  return { do: 'flag', reason: other ? `payment ${other} may be it, with other money` : STILL_TO_COME };
}

/**
 * What paytech has made of one of these, or of an earlier attempt, perhaps by several steps, and has not come to
 * nothing, whatever the amount.
 */
function cascadesOf(claim: Claim, fitting: FoundPayment[], found: readonly FoundPayment[]): FoundPayment[] {
  const known = [...paymentsOf(claim), ...(claim.deniedPaymentIds ?? []), ...fitting.map(({ id }) => id)];
  const family = new Set([...claim.earlierPaymentIds, ...fitting.map(({ id }) => id)]);
  const deposits = found.filter(
    ({ paymentType = 'DEPOSIT', unsure }) => paymentType === 'DEPOSIT' && !unsure,
  );
  for (let size = 0; size !== family.size; ) {
    size = family.size;
    for (const { id, parentPaymentId = '' } of deposits) if (family.has(parentPaymentId)) family.add(id);
  }
  return deposits.filter(
    ({ id, state }) => family.has(id) && !known.includes(id) && state !== undefined && !endedInVain(state),
  );
}

/** One that is paid, so that nobody is sent to pay another; else the newest that can be paid. The list has the newest first. */
function goesFirst(deposits: FoundPayment[]): FoundPayment | undefined {
  const first = (is: (state: PaymentState) => boolean) =>
    deposits.find(({ state }) => state !== undefined && is(state));
  return first(meansMoney) ?? first((state) => state === 'CHECKOUT') ?? deposits[0];
}

const STILL_TO_COME = 'paytech has no payment under this reference, and it may still come';

/** Without payments of another type, those that the claim has already, and what is only another's cascade. */
export function candidates(claim: Claim, found: readonly FoundPayment[]): FoundPayment[] {
  const known = new Set([...paymentsOf(claim), ...(claim.deniedPaymentIds ?? [])]);
  const ids = new Set([...found.map(({ id }) => id), ...known]);
  return found.filter(
    ({ id, paymentType = TYPE_OF_KIND[claim.kind], parentPaymentId = '' }) =>
      paymentType === TYPE_OF_KIND[claim.kind] &&
      !known.has(id) &&
      !(claim.kind === 'deposit' && ids.has(parentPaymentId)),
  );
}

/** What of a payment is not as the claim asked for it; undefined when all is. */
export function misfitOf(claim: Claim, found: FoundPayment): string | undefined {
  const { paymentType = TYPE_OF_KIND[claim.kind], parentPaymentId, requested } = found;
  if (paymentType !== TYPE_OF_KIND[claim.kind]) return 'payment type';
  const { amount, currency } = requested;
  const isStated = currency !== undefined && (amount !== undefined || claim.request.amount === undefined);
  if (!isStated || !isForMoney(claim.request, { amount: amount ?? NOTHING, currency }))
    return 'amount or currency';
  // Neither a webhook nor the list need state it.
  if (parentPaymentId !== undefined && parentPaymentId !== claim.request.parentPaymentId)
    return 'parent payment';
  return undefined;
}
