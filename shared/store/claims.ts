import { randomUUID } from 'node:crypto';
import { type Claim, type ClaimKind, type ClaimStage, movesByItself, nextLookAt } from '../payment/claim.ts';
import { type Item, listed, type Table } from './table.ts';

/** How saving a claim ended: it stands as given, or another request's stands in its way. */
export type SavedClaim = { saved: true; claim: Claim } | { saved: false; claim: Claim | undefined };

/** Bumped when the shape of the stored item changes. */
const SCHEMA = 1;

export async function readClaim(
  table: Table,
  kind: ClaimKind,
  referenceId: string,
): Promise<Claim | undefined> {
  const item = await table.get(keyOf(kind, referenceId));
  return item && toClaim(item);
}

/**
 * Writes `next` in place of `previous` (undefined: in place of nothing), or not at all. A write whose answer
 * was lost and that the SDK repeated finds itself, by a token of its own: owner, revision and stage may be those of
 * another process that writes at the same moment.
 */
export async function saveClaim(
  table: Table,
  previous: Claim | undefined,
  next: Omit<Claim, 'revision'>,
): Promise<SavedClaim> {
  const claim: Claim = { ...next, revision: (previous?.revision ?? 0) + 1 };
  const isUntouched = previous
    ? { text: 'revision = :revision', values: { ':revision': previous.revision } }
    : 'attribute_not_exists(pk)';
  const writeToken = randomUUID();
  const result = await table.put({ ...toItem(claim, table), writeToken }, [isUntouched]);
  if (result.written) return { saved: true, claim };
  const stored = result.item && toClaim(result.item);
  const isOurs = result.item?.writeToken === writeToken;
  return isOurs ? { saved: true, claim } : { saved: false, claim: stored };
}

const OPEN_STAGES: ReadonlySet<ClaimStage> = new Set(['unknown', 'flagged']);
const STAGES_OF_A_CALL: ReadonlySet<ClaimStage> = new Set(['reserving', 'sent']);

/**
 * Whether somebody must look after the claim although no caller comes back. Where a process died that was calling for a
 * redirect deposit, nobody has its redirectUrl, and the next caller looks it up; what paytech has of it the sweep finds.
 */
function isOpen(claim: Omit<Claim, 'revision'>): boolean {
  return OPEN_STAGES.has(claim.stage) || (STAGES_OF_A_CALL.has(claim.stage) && movesByItself(claim));
}

function keyOf(kind: ClaimKind, referenceId: string): string {
  return `${kind}#${referenceId}`;
}

function toItem(claim: Claim, table: Table): Item & { pk: string } {
  const pk = keyOf(claim.kind, claim.referenceId);
  const open = isOpen(claim) ? listed(table, pk, nextLookAt(claim)) : {};
  return { pk, schema: SCHEMA, ...claim, ...open };
}

function toClaim({
  pk: _,
  schema: __,
  openShard: ___,
  dueAt: ____,
  writeToken: _____,
  ...claim
}: Item): Claim {
  return claim as Pick<Claim, keyof Claim>;
}
