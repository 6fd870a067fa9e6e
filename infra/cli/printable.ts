/**
 * Text of others on its way to a terminal. Whoever can put a text into a payment (paytech, another system of the shop,
 * a webhook with a leaked key) must not move the cursor, set the title, or write lines that look like ours.
 */

/** Control characters (C0, DEL, C1 and so every ANSI and OSC sequence), what reorders or hides text, line separators. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;

const SHORT: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** One line, with every character shown: `\n`, `\u001b`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => SHORT[character] ?? escaped(character));
}

/** The same of a text whose line breaks are ours. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** JSON on one line, in which only texts can hold such characters: as JSON escapes them. */
export function printableJson(json: string): string {
  return json.replace(UNPRINTABLE, escaped);
}

/** By UTF-16 units, as JSON has them. */
function escaped(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}
