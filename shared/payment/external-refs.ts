/** Instructions for the customer, by name: a reference to pay under, a QR code as a data URI. */
export type ExternalRefs = Record<string, string>;

/** What of them is kept with a record, in bytes of JSON: an item has 400 KB for its whole history. */
export const MAX_REFS_BYTES = 8 * 1024;

/** As much of the instructions as is kept: the largest go first. Undefined where none is left. */
export function keptRefs(refs: ExternalRefs): ExternalRefs | undefined {
  const kept = Object.entries(refs).sort(([, a], [, b]) => a.length - b.length);
  while (kept.length > 0 && sizeOf(Object.fromEntries(kept)) > MAX_REFS_BYTES) kept.pop();
  return kept.length > 0 ? Object.fromEntries(kept) : undefined;
}

function sizeOf(refs: ExternalRefs): number {
  return new TextEncoder().encode(JSON.stringify(refs)).length;
}
