/**
 * Has dynalite parse an expression once, and not with every request, of whichever contender: parsing takes it longer
 * than everything else about a write, on the one thread that serves all, and says nothing of who sends it.
 */
import conditionParser from 'dynalite/db/conditionParser.js';
import updateParser from 'dynalite/db/updateParser.js';

type Value = Record<string, unknown>;
type Parse = typeof conditionParser.parse;

interface Parsed {
  tree: object;
  /** Of the values in the tree, which are those of the first request. */
  nameOf: Map<unknown, string>;
  usedNames: string[];
  usedValues: string[];
}

/** What these say of an expression depends on its values. */
const DECIDED_BY_VALUES = /\b(between|attribute_type)\b/i;

for (const parser of [conditionParser, updateParser]) parser.parse = parsedOnce(parser.parse);

/** The same but for time: by the text, what its names stand for, and the types of its values. */
function parsedOnce(parse: Parse): Parse {
  const known = new Map<string, Parsed>();
  return (text, options) => {
    if (DECIDED_BY_VALUES.test(text)) return parse(text, options);
    const { attrNames, attrVals = {}, unusedAttrNames, unusedAttrVals } = options.context;
    const types = Object.entries(attrVals).map(([name, value]) => [name, Object.keys(value)[0]]);
    const key = JSON.stringify([text, attrNames, types]);
    if (!known.has(key)) {
      const left = { unusedAttrNames: allOf(attrNames), unusedAttrVals: allOf(attrVals) };
      const tree = parse(text, { context: { ...options.context, ...left } });
      if (typeof tree === 'string') return tree;
      known.set(key, {
        tree,
        nameOf: new Map(Object.entries(attrVals).map(([name, value]) => [value, name])),
        usedNames: Object.keys(attrNames ?? {}).filter((name) => !(name in left.unusedAttrNames)),
        usedValues: Object.keys(attrVals).filter((name) => !(name in left.unusedAttrVals)),
      });
    }
    const { tree, nameOf, usedNames, usedValues } = known.get(key)!;
    for (const name of usedNames) delete unusedAttrNames[name];
    for (const name of usedValues) delete unusedAttrVals[name];
    return withValues(tree, nameOf, attrVals) as object;
  };
}

const allOf = (names: object = {}): Record<string, true> =>
  Object.fromEntries(Object.keys(names).map((name) => [name, true]));

/** A copy, which the update may write into. */
function withValues(node: unknown, nameOf: Parsed['nameOf'], values: Record<string, Value>): unknown {
  if (typeof node !== 'object' || node === null) return node;
  const name = nameOf.get(node);
  if (name !== undefined) return values[name];
  if (Array.isArray(node)) return node.map((each) => withValues(each, nameOf, values));
  return Object.fromEntries(
    Object.entries(node).map(([key, each]) => [key, withValues(each, nameOf, values)]),
  );
}
