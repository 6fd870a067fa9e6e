import { assertNumbers } from './numbers.ts';

/**
 * A part of a write in DynamoDB's own syntax, with the names and values that it uses. A part of SET or ADD is of one
 * attribute, with which it begins.
 */
export type Fragment =
  | string
  | { text: string; names?: Record<string, string>; values?: Record<string, unknown> };

/** What must hold for a write to happen: all of it. */
export type Condition = readonly [Fragment, ...Fragment[]];

/** The parts of an update. */
export interface Update {
  SET?: readonly Fragment[];
  REMOVE?: readonly Fragment[];
  ADD?: readonly Fragment[];
  condition: Condition;
}

/** `SET` of plain values, as far as they are there; their names may be words that DynamoDB reserves. */
export function assign(values: Record<string, unknown>): Fragment[] {
  const present = Object.entries(values).filter(([, value]) => value !== undefined);
  return present.map(([name, value]) => ({
    text: `#${name} = :${name}`,
    names: { [`#${name}`]: name },
    values: { [`:${name}`]: value },
  }));
}

/** The expressions of a write, with every name and value that its parts bring. Throws on a number that is in no list. */
export function joined({ SET = [], REMOVE = [], ADD = [], condition }: Update) {
  for (const part of [...SET, ...ADD]) {
    const attribute = attributeOf(part);
    for (const value of Object.values(valuesOf(part))) assertNumbers(value, attribute);
  }
  const clauses = Object.entries({ SET, REMOVE, ADD }).filter(([, parts]) => parts.length > 0);
  const all = [...SET, ...REMOVE, ...ADD, ...condition];
  return {
    update: clauses.map(([word, parts]) => `${word} ${parts.map(textOf).join(', ')}`).join(' '),
    condition: condition.map(textOf).join(' AND '),
    names: together(all.map(namesOf)),
    values: together(all.map(valuesOf)),
  };
}

/** Two parts may use the same placeholder for the same thing only. DynamoDB takes no empty object. */
function together<Value>(all: readonly Record<string, Value>[]): Record<string, Value> | undefined {
  const found = new Map<string, Value>();
  for (const each of all) {
    for (const name of Object.keys(each)) {
      const value = each[name]!;
      if (found.has(name) && found.get(name) !== value) {
        throw new TypeError(`${name} stands for two things in one write`);
      }
      found.set(name, value);
    }
  }
  return found.size > 0 ? Object.fromEntries(found) : undefined;
}

const textOf = (part: Fragment) => (typeof part === 'string' ? part : part.text);
const namesOf = (part: Fragment) => (typeof part === 'string' ? {} : (part.names ?? {}));
const valuesOf = (part: Fragment) => (typeof part === 'string' ? {} : (part.values ?? {}));

/** The name of the attribute that a part of SET or ADD writes: `released` of `operations[2].#released = :released`. */
function attributeOf(part: Fragment): string {
  const name = /^(?:[\w#]+(?:\[\d+\])*\.)*([\w#]+)/.exec(textOf(part))?.[1] ?? '';
  return namesOf(part)[name] ?? name;
}
