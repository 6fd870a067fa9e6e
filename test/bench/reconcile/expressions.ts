import { isDecimal } from '../../../shared/payment/money.ts';
import type { Condition, Fragment, Update } from '../../../shared/store/expressions.ts';
import type { Item } from '../../../shared/store/table.ts';

/*
 * DynamoDB's expressions, as far as the store uses them, on items in memory. Each text is parsed once: the simulation
 * evaluates the same few millions of times.
 */

interface Scope {
  item: Item;
  names: Record<string, string>;
  values: Record<string, unknown>;
}
type Evaluate = (scope: Scope) => unknown;
type Path = { names: (string | number)[] };

const NONE = {};
const parsedConditions = new Map<string, Evaluate>();
const parsedPaths = new Map<string, Path>();
const parsedSets = new Map<string, { path: Path; value: Evaluate }>();

/** Whether the item, `{}` where there is none, fulfils all of a condition. */
export function holds(condition: Condition, item: Item): boolean {
  return condition.every((part) => {
    const text = textOf(part);
    let evaluate = parsedConditions.get(text);
    if (!evaluate) {
      evaluate = parseWhole(text, parseOr);
      parsedConditions.set(text, evaluate);
    }
    return evaluate(scopeOf(part, item)) === true;
  });
}

/** The item as an update leaves it. All its parts see the item as it was. */
export function updated(before: Item, { SET = [], REMOVE = [], ADD = [] }: Update): Item {
  const after = { ...before };
  for (const part of SET) {
    const text = textOf(part);
    let set = parsedSets.get(text);
    if (!set) {
      set = parseWhole(text, parseSet);
      parsedSets.set(text, set);
    }
    const scope = scopeOf(part, before);
    write(after, resolved(set.path, scope), set.value(scope));
  }
  for (const part of REMOVE) {
    const text = textOf(part);
    let path = parsedPaths.get(text);
    if (!path) {
      path = parseWhole(text, parsePath);
      parsedPaths.set(text, path);
    }
    remove(after, resolved(path, scopeOf(part, before)));
  }
  for (const part of ADD) {
    const [name = '', placeholder = ''] = textOf(part).split(' ');
    const scope = scopeOf(part, before);
    const attribute = scope.names[name] ?? name;
    after[attribute] = sum(before[attribute], placed(scope, placeholder));
  }
  return after;
}

function sum(before: unknown, added: unknown): unknown {
  if (added instanceof Set) return new Set([...((before as Set<unknown>) ?? []), ...added]);
  return plus(before ?? 0, added);
}

const textOf = (part: Fragment) => (typeof part === 'string' ? part : part.text);

function scopeOf(part: Fragment, item: Item): Scope {
  if (typeof part === 'string') return { item, names: NONE, values: NONE };
  return { item, names: part.names ?? NONE, values: part.values ?? NONE };
}

function placed({ values }: Scope, placeholder: string): unknown {
  if (!(placeholder in values)) throw new SyntaxError(`no value for ${placeholder}`);
  return values[placeholder];
}

// Paths

function resolved({ names }: Path, scope: Scope): (string | number)[] {
  return names.map((name) => (typeof name === 'string' ? (scope.names[name] ?? name) : name));
}

function read(item: unknown, path: readonly (string | number)[]): unknown {
  let value = item;
  for (const name of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string | number, unknown>)[name];
  }
  return value;
}

/** Copies what it changes, since others may hold the item as it was. */
function write(item: Item, [name, ...inner]: (string | number)[], value: unknown): void {
  item[name!] = inner.length === 0 ? value : replaced(item[name!], inner, value);
}

function replaced(container: unknown, [name, ...inner]: (string | number)[], value: unknown): unknown {
  const copy = Array.isArray(container) ? [...container] : { ...(container as object) };
  const members = copy as Record<string | number, unknown>;
  members[name!] = inner.length === 0 ? value : replaced(members[name!], inner, value);
  return copy;
}

function remove(item: Item, path: (string | number)[]): void {
  if (path.length === 1) {
    delete item[path[0]!];
    return;
  }
  const last = path.at(-1)!;
  const parent = path.slice(0, -1);
  const container = read(item, parent);
  if (container === undefined) return;
  const left = Array.isArray(container)
    ? container.filter((_, index) => index !== last)
    : Object.fromEntries(Object.entries(container as object).filter(([name]) => name !== last));
  write(item, parent, left);
}

// Values

function compare(a: unknown, b: unknown): number | undefined {
  if (isDecimal(a) && isDecimal(b)) return a.cmp(b);
  if (typeof a !== typeof b || (typeof a !== 'number' && typeof a !== 'string')) {
    return a !== undefined && a === b ? 0 : undefined;
  }
  return a === b ? 0 : a < (b as typeof a) ? -1 : 1;
}

function plus(a: unknown, b: unknown): unknown {
  if (isDecimal(a) && isDecimal(b)) return a.plus(b);
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  throw new TypeError('only numbers of one kind are added');
}

function sizeOf(value: unknown): number | undefined {
  if (typeof value === 'string' || Array.isArray(value)) return value.length;
  if (value instanceof Set) return value.size;
  return typeof value === 'object' && value !== null ? Object.keys(value).length : undefined;
}

const COMPARATORS: Record<string, (order: number) => boolean> = {
  '=': (order) => order === 0,
  '<>': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

// Grammar

class Tokens {
  private readonly text: string;
  private readonly tokens: string[];
  private next = 0;

  constructor(text: string) {
    this.text = text;
    this.tokens = text.match(/<>|<=|>=|[=<>(),+-]|[:#]?\w+|\.|\[\d+\]/g) ?? [];
  }

  peek(): string | undefined {
    return this.tokens[this.next];
  }

  take(expected?: string): string {
    const token = this.tokens[this.next++];
    if (token === undefined || (expected !== undefined && token !== expected)) {
      throw new SyntaxError(`${expected ?? 'more'} expected in "${this.text}"`);
    }
    return token;
  }

  takeIf(wanted: string): boolean {
    const is = this.peek() === wanted;
    if (is) this.next++;
    return is;
  }
}

function parseWhole<T>(text: string, parse: (tokens: Tokens) => T): T {
  const tokens = new Tokens(text);
  const parsed = parse(tokens);
  if (tokens.peek() !== undefined) throw new SyntaxError(`${tokens.peek()} is not expected in "${text}"`);
  return parsed;
}

function parseOr(tokens: Tokens): Evaluate {
  let left = parseAnd(tokens);
  while (tokens.takeIf('OR')) {
    const [a, b] = [left, parseAnd(tokens)];
    left = (scope) => a(scope) === true || b(scope) === true;
  }
  return left;
}

function parseAnd(tokens: Tokens): Evaluate {
  let left = parseNot(tokens);
  while (tokens.takeIf('AND')) {
    const [a, b] = [left, parseNot(tokens)];
    left = (scope) => a(scope) === true && b(scope) === true;
  }
  return left;
}

function parseNot(tokens: Tokens): Evaluate {
  if (!tokens.takeIf('NOT')) return parseComparison(tokens);
  const inner = parseNot(tokens);
  return (scope) => inner(scope) !== true;
}

function parseComparison(tokens: Tokens): Evaluate {
  if (tokens.takeIf('(')) {
    const inner = parseOr(tokens);
    tokens.take(')');
    return inner;
  }
  const left = parseOperand(tokens);
  if (tokens.takeIf('IN')) {
    tokens.take('(');
    const all = [parseOperand(tokens)];
    while (tokens.takeIf(',')) all.push(parseOperand(tokens));
    tokens.take(')');
    return (scope) => {
      const value = left(scope);
      return all.some((each) => compare(value, each(scope)) === 0);
    };
  }
  const compared = COMPARATORS[tokens.peek() ?? ''];
  if (!compared) return left;
  const sign = tokens.take();
  const right = parseOperand(tokens);
  return (scope) => {
    const order = compare(left(scope), right(scope));
    return order === undefined ? sign === '<>' : compared(order);
  };
}

function parseSet(tokens: Tokens): { path: Path; value: Evaluate } {
  const path = parsePath(tokens);
  tokens.take('=');
  const left = parseOperand(tokens);
  if (tokens.takeIf('+')) {
    const right = parseOperand(tokens);
    return { path, value: (scope) => plus(left(scope), right(scope)) };
  }
  if (tokens.takeIf('-')) {
    const right = parseOperand(tokens);
    return { path, value: (scope) => minus(left(scope), right(scope)) };
  }
  return { path, value: left };
}

function minus(a: unknown, b: unknown): unknown {
  if (isDecimal(a) && isDecimal(b)) return a.minus(b);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  throw new TypeError('only numbers of one kind are subtracted');
}

function parsePath(tokens: Tokens): Path {
  const names: (string | number)[] = [tokens.take()];
  for (;;) {
    const index = /^\[(\d+)\]$/.exec(tokens.peek() ?? '');
    if (index) {
      tokens.take();
      names.push(Number(index[1]));
    } else if (tokens.takeIf('.')) names.push(tokens.take());
    else return { names };
  }
}

/** Of functions, how often they take arguments and what they make of them. */
const FUNCTIONS: Record<string, (...values: unknown[]) => unknown> = {
  attribute_exists: (value) => value !== undefined,
  attribute_not_exists: (value) => value === undefined,
  size: sizeOf,
  contains: (container, value) =>
    container instanceof Set
      ? container.has(value)
      : Array.isArray(container)
        ? container.some((each) => compare(each, value) === 0)
        : typeof container === 'string' && container.includes(String(value)),
  begins_with: (value, start) => typeof value === 'string' && value.startsWith(String(start)),
  if_not_exists: (value, otherwise) => value ?? otherwise,
  list_append: (list, more) => [...(list as unknown[]), ...(more as unknown[])],
};

function parseOperand(tokens: Tokens): Evaluate {
  const token = tokens.peek() ?? '';
  if (token.startsWith(':')) {
    tokens.take();
    return (scope) => placed(scope, token);
  }
  const path = parsePath(tokens);
  const called = path.names.length === 1 ? FUNCTIONS[String(path.names[0])] : undefined;
  if (!called || !tokens.takeIf('(')) return (scope) => read(scope.item, resolved(path, scope));
  const operands = [parseOperand(tokens)];
  while (tokens.takeIf(',')) operands.push(parseOperand(tokens));
  tokens.take(')');
  return (scope) => called(...operands.map((each) => each(scope)));
}
