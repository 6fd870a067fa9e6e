/** JSON as an attacker writes it: text that no serializer makes, at any place of a value. */
import fc from 'fast-check';

/** Stands for itself where a value is written as JSON. */
export class RawText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  [fc.toStringMethod](): string {
    return `RawText(${this.text.length > 200 ? `${this.text.slice(0, 200)}… ${this.text.length}` : this.text})`;
  }
}

const raw = (text: string) => new RawText(text);

/** As JSON.stringify, with {@link RawText} as it is, and keys and values as they are given. */
export function write(value: unknown): string {
  if (value instanceof RawText) return value.text;
  if (Array.isArray(value)) return `[${Array.from(value, write).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}:${write(each)}`);
    return `{${members.join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}

const NUMBERS = [
  '0',
  '-0',
  '-1',
  '1e999999999',
  '-1e999999999',
  '1e-999999999',
  '1e1000000',
  '1e-1000000',
  '1e99999999999999999999',
  '1E400',
  '0.1e1',
  '1.000000000000000001',
  '0.0000000000000000001',
  '999999999.123456789012345678',
  '1000000000.000000000000000001',
  '99999999999999999999999999999999999999',
  '0.30000000000000004',
  `1${'0'.repeat(5_000)}`,
  `0.${'0'.repeat(5_000)}1`,
  `${'123456789'.repeat(3_000)}.5`,
].map(raw);

const STRINGS = [
  raw('"\\ud800"'),
  raw('"\\udc00\\ud800"'),
  raw('"\\u0000"'),
  raw('"\\ufffe\\uffff"'),
  raw('"a\\u2028b"'),
  '',
  ' ',
  '\u202eevil',
  '💶'.repeat(40),
  'ﷺ'.repeat(100),
  '../../etc/passwd',
  '{id}{{id}}%s',
  "' OR 1=1 --",
  '__proto__',
  'constructor',
  'NaN',
  '1e5',
  'x'.repeat(257),
  'x'.repeat(60_000),
];

const nested = (open: string, close: string) => (depth: number) =>
  raw(open.repeat(depth) + (open === '[' ? '' : '1') + close.repeat(depth));
const DEPTHS = [2, 40, 1_000, 3_000, 6_000, 12_000];
const DEEP = [...DEPTHS.map(nested('[', ']')), ...DEPTHS.slice(0, 5).map(nested('{"a":', '}'))];

const WIDE = [
  raw(`[${'0,'.repeat(9_999)}0]`),
  raw(`{${Array.from({ length: 5_000 }, (_, index) => `"k${index}":"v"`).join(',')}}`),
  raw('{"__proto__":{"amount":1},"constructor":{"prototype":{"isAdmin":true}}}'),
  raw('{"a":1,"a":2,"a":3}'),
];

export const nastyValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<unknown>(null, true, false, [], {}, [[]], [{}]) },
  { weight: 4, arbitrary: fc.constantFrom<unknown>(...NUMBERS) },
  { weight: 4, arbitrary: fc.constantFrom<unknown>(...STRINGS) },
  { weight: 1, arbitrary: fc.constantFrom<unknown>(...DEEP) },
  { weight: 1, arbitrary: fc.constantFrom<unknown>(...WIDE) },
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 3, arbitrary: fc.double().map((each) => (Number.isFinite(each) ? each : 'NaN')) },
  { weight: 1, arbitrary: fc.jsonValue() },
);

const nastyKey = fc.oneof(
  fc.constantFrom(
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    '',
    '\ud800',
    'x'.repeat(300),
  ),
  fc.constantFrom(
    'card',
    'googlePay',
    'webhookUrl',
    'id',
    'state',
    'version',
    'history',
    'refundable',
    'pk',
    'a.b',
    'a[0]',
  ),
  fc.string({ maxLength: 20 }),
);

export interface Mutation {
  does: 'replace' | 'drop' | 'add' | 'double' | 'wrap';
  at: number;
  key: string;
  value: unknown;
}

export const mutation: fc.Arbitrary<Mutation> = fc.record({
  does: fc.constantFrom('replace' as const, 'replace', 'drop', 'add', 'double', 'wrap'),
  at: fc.nat(),
  key: nastyKey,
  value: nastyValue,
});

/** Nothing that is marked is kept: of every member its object, and its name. */
function membersOf(value: unknown): [object: Record<string, unknown>, key: string][] {
  if (typeof value !== 'object' || value === null || value instanceof RawText) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((key) => [
    [holder, key] as [typeof holder, string],
    ...membersOf(holder[key]),
  ]);
}

/** The JSON text of a value after some mutations, which are applied one after the other. */
export function mutated(value: unknown, mutations: readonly Mutation[]): string {
  let root: unknown = structuredCloneOf(value);
  for (const { does, at, key, value: given } of mutations) {
    // Its own, or one mutation would reach into the others.
    const value = structuredCloneOf(given);
    const members = membersOf(root);
    const [holder, name] = members[at % Math.max(1, members.length)] ?? [];
    if (does === 'wrap' || !holder || name === undefined) root = at % 2 === 0 ? [root] : value;
    else if (does === 'replace') holder[name] = value;
    else if (does === 'drop') delete holder[name];
    else if (does === 'add') define(holder, key, value);
    // The same name twice: the text of the second is smuggled in behind the first.
    else holder[name] = new RawText(`${write(holder[name])},${JSON.stringify(name)}:${write(value)}`);
  }
  return write(root);
}

/** Also `__proto__` as an own member. */
function define(holder: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}

function structuredCloneOf(value: unknown): unknown {
  if (Array.isArray(value)) return Array.from(value, structuredCloneOf);
  if (typeof value !== 'object' || value === null || value instanceof RawText) return value;
  const copy = {};
  for (const [key, each] of Object.entries(value)) define(copy, key, structuredCloneOf(each));
  return copy;
}

/** What becomes of a whole text on its way. */
export const corruption = fc.oneof(
  { weight: 12, arbitrary: fc.constant((text: string) => Buffer.from(text)) },
  {
    weight: 1,
    arbitrary: fc
      .nat({ max: 400 })
      .map((length) =>
        Object.assign((text: string) => Buffer.from(text.slice(0, length)), named(`cut at ${length}`)),
      ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...Object.entries<(text: string) => Buffer>({
        empty: () => Buffer.alloc(0),
        'with a byte-order mark': (text) => Buffer.from(`\ufeff${text}`),
        'not UTF-8': (text) =>
          Buffer.concat([Buffer.from(text.slice(0, -1)), Buffer.from([0xc3, 0x28, 0x7d])]),
        twice: (text) => Buffer.from(text + text),
        'with a comment': (text) => Buffer.from(`${text}// or not`),
        'not JSON': () => Buffer.from('amount=1&currency=EUR'),
        'with white space of 70 KB': (text) => Buffer.from(text + ' '.repeat(70_000)),
        'with white space of 260 KB': (text) => Buffer.from(text + ' '.repeat(266_000)),
        'UTF-16': (text) => Buffer.from(text, 'utf16le'),
      }).map(([name, corrupt]) => Object.assign(corrupt, named(name))),
    ),
  },
);

function named(name: string) {
  return { [fc.toStringMethod]: () => name };
}
