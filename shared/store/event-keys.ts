import type { HistoryEntry } from '../payment/payment.ts';
import type { Fragment } from './expressions.ts';

/*
 * How an item holds the keys of its events: whole, in base64url, in the set `eventKeys`, and their beginning in the
 * history. A SHA-256 in hex, twice, was a third of what an event adds to the item. Items of before have them so.
 */

const SHA256_IN_HEX = /^[0-9a-f]{64}$/;
const SHA256_IN_BASE64URL = /^[\w-]{43}$/;

/** Of 72 bits, by which the keys of one item's history are told from each other. */
const BEGINNING = 12;

export function storedKey(key: string): string {
  return SHA256_IN_HEX.test(key) ? Buffer.from(key, 'hex').toString('base64url') : key;
}

/** An entry as the history holds it. */
export function storedEntry<Entry extends Pick<HistoryEntry, 'key'>>(entry: Entry): Entry {
  if (entry.key === undefined) return entry;
  return { ...entry, key: beginningOf(storedKey(entry.key)) };
}

/** The history with its keys as events have them: whole, in hex. */
export function withWholeKeys(
  history: readonly HistoryEntry[],
  eventKeys: ReadonlySet<string> = new Set(),
): HistoryEntry[] {
  const whole = new Map([...eventKeys].map((key) => [beginningOf(key), key]));
  return history.map((entry) => {
    const key = entry.key && whole.get(entry.key);
    return key ? { ...entry, key: inHex(key) } : entry;
  });
}

/** The condition that the record does not have the event yet. */
export function isNewEvent({ key }: { key: string }): Fragment {
  return {
    text: 'NOT contains(eventKeys, :key) AND NOT contains(eventKeys, :keyAsBefore)',
    values: { ':key': storedKey(key), ':keyAsBefore': key },
  };
}

function beginningOf(key: string): string {
  return SHA256_IN_BASE64URL.test(key) ? key.slice(0, BEGINNING) : key;
}

function inHex(key: string): string {
  return SHA256_IN_BASE64URL.test(key) ? Buffer.from(key, 'base64url').toString('hex') : key;
}
