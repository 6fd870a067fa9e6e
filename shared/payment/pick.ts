/**
 * The fields of `from` that are listed, as far as they are there. What leaves this service is listed by name, never
 * "all but": a field that is new in the record must not reach callers and subscribers by itself.
 */
export function pick<T extends object, K extends keyof T>(from: T, listed: readonly K[]): Pick<T, K> {
  const present = listed.filter((name) => from[name] !== undefined);
  return Object.fromEntries(present.map((name) => [name, from[name]])) as Pick<T, K>;
}
