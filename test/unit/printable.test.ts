import { expect, it } from 'vitest';
import { fields, table } from '../../infra/cli/output.ts';
import { printable, printableJson, printableLines } from '../../infra/cli/printable.ts';

it.each([
  ['a colour (ANSI)', 'a\u001b[31mb', 'a\\u001b[31mb'],
  ['a title of the window (OSC)', '\u001b]0;root\u0007', '\\u001b]0;root\\u0007'],
  ['the same in one character (C1)', '\u009b31m\u009d', '\\u009b31m\\u009d'],
  ['a cursor that goes back', 'DECLINED\rCOMPLETED\b', 'DECLINED\\rCOMPLETED\\u0008'],
  ['a line of its own', 'x\nWhat to do\u2028Refund', 'x\\nWhat to do\\u2028Refund'],
  ['another direction', '\u202egnp.exe', '\\u202egnp.exe'],
  ['what nobody sees', 'or\u200bder\u{e0041}', 'or\\u200bder\\udb40\\udc41'],
])('shows %s', (_, text, shown) => {
  expect(printable(text)).toBe(shown);
  expect(JSON.parse(printableJson(JSON.stringify({ text })))).toEqual({ text });
  expect(printableJson(JSON.stringify(text))).toMatch(/^[\p{L}\p{N}\p{P}\p{S} ]*$/u);
});

it('leaves what people write as it is', () => {
  for (const text of ['Größe 42 – Zoë', '注文 1', 'a "b" \\ c', '🛒']) expect(printable(text)).toBe(text);
});

it('keeps the line breaks of a text that is ours, and those of nobody else', () => {
  expect(printableLines('one\ntwo\u001b[2J')).toBe('one\ntwo\\u001b[2J');
  expect(fields({ reason: 'x\n  state  COMPLETED' })).toBe('  reason  x\\n  state  COMPLETED');
  expect(table([['a\nb', 'c']])).toBe('a\\nb  c');
});
