/** Every JSON number in a parsed answer, with the name of the member that it is the value of. */
export function numbersIn(json: unknown, name = ''): [name: string, value: number][] {
  if (typeof json === 'number') return [[name, json]];
  if (typeof json !== 'object' || json === null) return [];
  return Object.entries(json).flatMap(([key, each]) => numbersIn(each, Array.isArray(json) ? name : key));
}

/** The names of members that stand for money and are JSON numbers, which readers round. There must be none. */
export function amountsAsNumbers(json: unknown): string[] {
  return numbersIn(json)
    .map(([name]) => name)
    .filter((name) => /amount|refundable/i.test(name));
}
