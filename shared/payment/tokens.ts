import { isDecimal } from './money.ts';

/*
 * By a recurringToken or a cardToken a customer is charged without being asked. paytech's own texts (messages of its
 * audit trail, errors) may repeat one, and are shown, published and logged without it.
 */

const MASK = '****';

const NAME = /^(recurring|card)[_-]?token$/i;

const NAME_IN_TEXT = String.raw`(?:recurring|card)[_-]?token(?:\\*["']|%22|&quot;)?\s*(?:[:=>]|%3A|%3D)\s*`;
const VALUE = String.raw`(?:[^\s"'\\%&;,<>{}()[\]]|\\(?!\\*["'])|%(?!22))`;
/** The name before its value: in quotes, as in JSON and in a text of JSON within it. */
const QUOTED = new RegExp(`(${NAME_IN_TEXT}(?:\\\\*["']|%22|&quot;))${VALUE}+`, 'gi');
/** Without quotes, as in a form, a header or XML. "cardToken: is required" has none. */
const UNQUOTED = new RegExp(`(${NAME_IN_TEXT})(?=${VALUE}*?\\d|${VALUE}{16})${VALUE}+`, 'gi');

/** In a sentence: "Token 3f2a… not found". */
const IN_SENTENCE = new RegExp(`(\\btoken\\s+["']?)(?=${VALUE}*?\\d)${VALUE}{16,}`, 'gi');

/** A shorter one would be found in too many words. */
const MIN_KNOWN_LENGTH = 6;

/** The text without the tokens that it names as such, and without those that are `known`. */
export function withoutTokens(text: string, known: readonly (string | undefined)[] = []): string {
  const written = known.flatMap((token = '') => (token.length < MIN_KNOWN_LENGTH ? [] : writtenForms(token)));
  const withoutKnown = written.reduce((rest, token) => rest.replaceAll(token, MASK), text);
  return [QUOTED, UNQUOTED, IN_SENTENCE].reduce(
    (rest, named) => rest.replace(named, `$1${MASK}`),
    withoutKnown,
  );
}

/** A member of an object by its name: all of a token, and of a text what is left without them. Others as they are. */
export function withoutToken(name: string, value: unknown, known: readonly (string | undefined)[] = []) {
  if (NAME.test(name) && (typeof value === 'string' || isDecimal(value))) return MASK;
  return typeof value === 'string' ? withoutTokens(value, known) : value;
}

/** A value of JSON, and all that is in it, likewise. */
export function withoutTokensIn(value: unknown, known: readonly (string | undefined)[] = []): unknown {
  if (Array.isArray(value)) return value.map((each) => withoutTokensIn(each, known));
  if (typeof value !== 'object' || value === null || isDecimal(value)) return withoutToken('', value, known);
  const members = Object.entries(value).map(([name, each]): [string, unknown] => [
    name,
    withoutTokensIn(withoutToken(name, each, known), known),
  ]);
  return Object.fromEntries(members);
}

/** As it is, as JSON may write it, and as a URL does. */
function writtenForms(token: string): string[] {
  return [...new Set([token, token.replaceAll('/', '\\/'), encodeURIComponent(token)])];
}
