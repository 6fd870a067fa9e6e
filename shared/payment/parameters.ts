/** The merchant's own texts by name, such as the shop or the campaign that an order belongs to. */
export type Parameters = Record<string, string>;

/** What of them is kept with a payment, in bytes of JSON: an item has 400 KB for its whole history. */
export const MAX_PARAMETERS_BYTES = 1024;

/** Those that are to be kept, in the order of their names; undefined where there are none. */
export function keptParameters(
  given: Parameters | undefined,
  names: readonly string[],
): Parameters | undefined {
  const kept = names
    .filter((name) => given !== undefined && Object.hasOwn(given, name))
    .toSorted()
    // Half a surrogate pair would not come back from the table as it went in.
    .map((name) => [name, given![name]!.toWellFormed()]);
  return kept.length > 0 ? Object.fromEntries(kept) : undefined;
}

/** What is wrong with those that are to be kept: leaving some out would be noticed by nobody before they are missed. */
export function parametersFault(kept: Parameters | undefined): string | undefined {
  const bytes = kept ? new TextEncoder().encode(JSON.stringify(kept)).length : 0;
  return bytes > MAX_PARAMETERS_BYTES
    ? `must have at most ${MAX_PARAMETERS_BYTES} bytes in what eventParameters names, as JSON`
    : undefined;
}

/** As they are shown: DynamoDB keeps no order of keys, and the same version must be the same bytes. */
export function inOrder(parameters: Parameters | undefined): Parameters | undefined {
  return parameters && keptParameters(parameters, Object.keys(parameters));
}
