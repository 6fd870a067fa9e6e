import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseAst } from 'vitest/node';

/** What fits on a screen or two is read; what is longer holds more than one thing. */
const MAX_FILE_LINES = 400;
const MAX_FUNCTION_LINES = 60;

const files = globSync('{functions,infra,shared,test}/**/*.ts', {
  // The bench and others install what they need beside themselves.
  exclude: ['**/node_modules/**'],
}).map((name) => ({
  name: name.replaceAll('\\', '/'),
  text: readFileSync(name, 'utf8'),
}));

test(`no file has more than ${MAX_FILE_LINES} lines`, () => {
  const lengths = files.map(({ name, text }) => [name, linesIn(text)] as const);
  expect(lengths.filter(([, lines]) => lines > MAX_FILE_LINES)).toEqual([]);
});

test(`no function has more than ${MAX_FUNCTION_LINES} lines of its own, beside the functions in it`, () => {
  const lengths = files.flatMap(({ name, text }) =>
    functionsIn(parseAst(text, { lang: 'ts' }), text).map(
      ({ line, own }) => [`${name}:${line}`, own] as const,
    ),
  );
  expect(lengths.length).toBeGreaterThan(1_000);
  expect(lengths.filter(([, lines]) => lines > MAX_FUNCTION_LINES)).toEqual([]);
}, 60_000);

interface Length {
  line: number;
  /** Lines without those inside the functions in it. */
  own: number;
}

type Node = { type: string; start: number; end: number };

const IS_FUNCTION = /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/;

function functionsIn(program: object, text: string): Length[] {
  const found: Length[] = [];
  // Answers how many lines below `node` are inside functions.
  const walk = (node: unknown, isGroup = false): number => {
    if (typeof node !== 'object' || node === null) return 0;
    const isOfGroup = isDescribe(node, text);
    const inside = Object.values(node).reduce<number>(
      (sum, each) => sum + walk(each, isOfGroup || (isGroup && Array.isArray(node))),
      0,
    );
    if (!('type' in node) || !IS_FUNCTION.test(String(node.type))) return inside;
    const { start, end } = node as Node;
    const lines = linesIn(text.slice(start, end));
    if (!isGroup) found.push({ line: linesIn(text.slice(0, start)), own: lines - inside });
    return lines > 1 ? lines : 0;
  };
  walk(program);
  return found;
}

/** Whether it calls `describe`: what that is given is a group of tests, with the tables of what they try. */
function isDescribe(node: object, text: string): boolean {
  return (
    'type' in node &&
    node.type === 'CallExpression' &&
    text.slice((node as Node).start).startsWith('describe')
  );
}

function linesIn(text: string): number {
  return text.replace(/\n$/, '').split('\n').length;
}
