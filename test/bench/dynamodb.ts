/**
 * The DynamoDB of the bench: the actions of dynalite, which parse and evaluate conditions and updates, on a map in
 * place of its database, whose own work would hide what is measured. An expression is parsed once, whoever sends it.
 */
import getItem from 'dynalite/actions/getItem.js';
import putItem from 'dynalite/actions/putItem.js';
import updateItem from 'dynalite/actions/updateItem.js';
import db from 'dynalite/db/index.js';
import { validateExpressions } from 'dynalite/validations/index.js';
import '../../infra/local/failed-conditions.ts';
import './parsed-once.ts';

/** As DynamoDB's JSON has it. */
export type Item = Record<string, Record<string, unknown>>;
type Callback = (error?: unknown, value?: unknown) => void;

interface Request {
  TableName: string;
  Key?: Item;
  Item?: Item;
  [parameter: string]: unknown;
}

/** What DynamoDB charges for: of the tables, and of the index of what is open. */
export interface Units {
  read: number;
  write: number;
  index: number;
}

/** The partition key of each table; no table here has another key or an index that is asked. */
const KEYS: Record<string, string> = { payments: 'pk', idempotency: 'id' };

const tables = new Map(Object.keys(KEYS).map((name) => [name, new Map<string, Item>()]));

const store = {
  options: { maxItemSize: 400 * 1024 },
  getTable: (name: string, ...rest: unknown[]) => {
    const AttributeName = KEYS[name] ?? '';
    const KeySchema = [{ AttributeName, KeyType: 'HASH' }];
    const AttributeDefinitions = [{ AttributeName, AttributeType: 'S' }];
    (rest.at(-1) as Callback)(null, { TableName: name, KeySchema, AttributeDefinitions });
  },
  getItemDb: (name: string) => {
    const items = tables.get(name)!;
    return {
      // An action is over before the next one begins.
      lock: (_key: string, run: (release: (callback: Callback) => Callback) => void) =>
        run((callback) => callback),
      get: (key: string, callback: Callback) => {
        const item = items.get(key);
        if (item) callback(null, item);
        else callback(Object.assign(new Error('not found'), { name: 'NotFoundError' }));
      },
      put: (key: string, item: Item, callback: Callback) => {
        items.set(key, item);
        callback();
      },
    };
  },
};

const ACTIONS: Record<string, (store: unknown, request: Request, callback: Callback) => void> = {
  GetItem: getItem,
  PutItem: putItem,
  UpdateItem: updateItem,
};

/** What DynamoDB answers, and what it charges for. */
export function answerDynamoDb(
  action: string,
  request: Request,
): { status?: number; answer: string; units: Units } {
  const invalid = validateExpressions(request);
  if (invalid) {
    const refusal = { __type: 'com.amazon.coral.validate#ValidationException', message: invalid };
    return { status: 400, answer: JSON.stringify(refusal), units: { read: 0, write: 0, index: 0 } };
  }
  const before = stored(request);
  let outcome: { error?: { body?: object }; value?: unknown } = {};
  ACTIONS[action]!(store, request, (error, value) => {
    outcome = { error: error as { body?: object }, value };
  });
  const { error, value } = outcome;
  if (error && !error.body) throw error;
  const units = action === 'GetItem' ? unitsOfRead(before) : unitsOfWrite(before, stored(request));
  return error
    ? { status: 400, answer: JSON.stringify(error.body), units }
    : { answer: JSON.stringify(value), units };
}

function stored({ TableName, Key, Item }: Request): Item | undefined {
  let found: Item | undefined;
  const name = KEYS[TableName]!;
  getItem(store, { TableName, Key: { [name]: (Key ?? Item)![name] } }, (_error, value) => {
    found = (value as { Item?: Item }).Item;
  });
  return found;
}

/** Strongly consistent. */
const unitsOfRead = (item: Item | undefined): Units => ({
  read: db.capacityUnits(item, true, true),
  write: 0,
  index: 0,
});

/**
 * By the larger of the item before and after, also where the condition failed; and one of the index for an entry that
 * comes, one for an entry that leaves, both for one that moves. Source: DynamoDB's developer guide, "Read and write
 * operations" and "Using Global Secondary Indexes".
 */
function unitsOfWrite(before: Item | undefined, after: Item | undefined): Units {
  const [left, came] = [entryOf(before), entryOf(after)];
  const moved = left === came ? [] : [left, came].filter((entry) => entry !== undefined);
  const write = Math.max(db.capacityUnits(before), db.capacityUnits(after));
  return { read: 0, write, index: moved.length };
}

/** An item's entry in the index of what is open, which holds nothing but keys. */
function entryOf({ openShard, dueAt }: Item = {}): string | undefined {
  return openShard && dueAt && `${openShard.S} ${dueAt.N}`;
}
