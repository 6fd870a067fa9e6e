/**
 * The DynamoDB of the bench: the actions of dynalite, which parse and evaluate conditions and updates, on a map in
 * place of its database, whose own work would hide what is measured.
 */
import getItem from 'dynalite/actions/getItem.js';
import putItem from 'dynalite/actions/putItem.js';
import updateItem from 'dynalite/actions/updateItem.js';
import { validateExpressions } from 'dynalite/validations/index.js';

type Item = Record<string, unknown>;
type Callback = (error?: unknown, value?: unknown) => void;

interface Request {
  TableName: string;
  ReturnValuesOnConditionCheckFailure?: string;
  [parameter: string]: unknown;
}

/** The partition key of each table; no table here has another key or an index. */
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

/** What DynamoDB answers. */
export function answerDynamoDb(action: string, request: Request): { status?: number; answer: string } {
  const invalid = validateExpressions(request);
  if (invalid) return refusal({ __type: 'com.amazon.coral.validate#ValidationException', message: invalid });
  let outcome: { error?: { body?: object }; value?: unknown } = {};
  ACTIONS[action]!(store, request, (error, value) => {
    outcome = { error: error as { body?: object }, value };
  });
  const { error, value } = outcome;
  if (!error) return { answer: JSON.stringify(value) };
  if (!error.body) throw error;
  // Which dynalite lacks and AWS has.
  const asked = request.ReturnValuesOnConditionCheckFailure === 'ALL_OLD';
  return refusal({ ...error.body, ...(asked && { Item: itemOf(request) }) });
}

const refusal = (body: object) => ({ status: 400, answer: JSON.stringify(body) });

function itemOf(request: Request): Item | undefined {
  const { TableName, Key, Item } = request as Request & { Key?: Item; Item?: Item };
  let found: Item | undefined;
  getItem(
    store,
    { TableName, Key: Key ?? { [KEYS[TableName]!]: Item![KEYS[TableName]!] } },
    (_error, value) => {
      found = (value as { Item?: Item }).Item;
    },
  );
  return found;
}
