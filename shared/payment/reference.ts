/** Every id that a caller gives: of an order, a withdrawal, a refund. `~` is left out; it marks attempts. */
export const REFERENCE_ID = /^[A-Za-z0-9._:/-]{1,240}$/;

/**
 * The `referenceId` under which an attempt goes out to paytech, which does not deduplicate by it: the first as
 * the merchant's own, the n-th as `<referenceId>~<n>`, so that each attempt can be looked up by itself.
 */
export function gatewayReference(referenceId: string, attempt: number): string {
  return attempt === 1 ? referenceId : `${referenceId}~${attempt}`;
}

/** The inverse of {@link gatewayReference}; undefined for a reference that this service cannot have made. */
export function parseGatewayReference(
  reference: string,
): { referenceId: string; attempt: number } | undefined {
  const [referenceId = '', suffix, ...rest] = reference.split('~');
  if (rest.length > 0 || !REFERENCE_ID.test(referenceId)) return undefined;
  if (suffix === undefined) return { referenceId, attempt: 1 };
  const attempt = Number(suffix);
  const isAttempt = /^[1-9]\d{0,8}$/.test(suffix) && attempt > 1;
  return isAttempt ? { referenceId, attempt } : undefined;
}
