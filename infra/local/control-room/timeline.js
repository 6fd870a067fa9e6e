// @ts-check
/*
 * One payment's way, put together from what the table, the simulator and the event queue have of it.
 */

/** @typedef {'claim' | 'gateway' | 'webhook' | 'queue' | 'write' | 'event'} Step */

/**
 * @typedef {object} Entry
 * @property {string} at ISO 8601
 * @property {Step} step
 * @property {string} title
 * @property {string} [detail]
 * @property {'good' | 'bad'} [tone]
 * @property {unknown} [json]
 */

/**
 * @typedef {object} Seen
 * @property {any[]} items
 * @property {any[]} requests
 * @property {any[]} webhooks
 * @property {any[]} events
 * @property {Record<string, number>} queues messages by queue
 * @property {{ id: number, on: string, kind: string, times: number | 'always' }[]} faults those that are set, first used first
 * @property {Record<string, string[]>} kindsOf the faults that there are, by call
 * @property {Record<string, string>} whatHappens what each of them does
 */

/** The stations in their order, as they are called on the page. @type {[Step, string][]} */
export const STATIONS = [
  ['claim', 'Claim'],
  ['gateway', 'Gateway'],
  ['webhook', 'Webhook'],
  ['queue', 'Queue'],
  ['write', 'Write'],
  ['event', 'Event'],
];

/** @param {Seen} seen */
export const paymentsOf = ({ items }) =>
  items
    .filter(({ pk }) => pk.startsWith('payment#'))
    .sort((a, b) => b.history[0].at.localeCompare(a.history[0].at));

/**
 * How far a payment has come at a station: as its last entry there ended.
 * @param {Entry[]} timeline
 * @param {Step} step
 * @returns {{ state: 'ahead' | 'reached' | 'broken', note: string }}
 */
export function stationOf(timeline, step) {
  const entries = timeline.filter((entry) => entry.step === step);
  const last = entries.at(-1);
  if (!last) return { state: 'ahead', note: 'not yet' };
  if (last.tone !== 'bad') return { state: 'reached', note: String(entries.length) };
  return { state: 'broken', note: `${entries.length}, the last failed` };
}

/**
 * Everything that happened to a payment, oldest first.
 * @param {any} payment
 * @param {Seen} seen
 * @returns {Entry[]}
 */
export function timelineOf(payment, seen) {
  return [
    ...claimOf(payment, seen),
    ...callsOf(payment, seen),
    ...deliveriesOf(payment, seen),
    ...writesOf(payment),
    ...eventsOf(payment, seen),
  ].sort((a, b) => a.at.localeCompare(b.at));
}

/** @type {(payment: any, seen: Seen) => Entry[]} */
function claimOf({ paymentType, referenceId }, { items }) {
  const claim = items.find(({ pk }) => pk === `${paymentType.toLowerCase()}#${referenceId}`);
  if (!claim) return [];
  const title = `Attempt ${claim.attempt} of ${claim.referenceId}`;
  const at = new Date(Number(claim.sentAt)).toISOString();
  return [{ at, step: 'claim', title, detail: `now ${claim.stage}`, json: claim }];
}

/** @type {(payment: any, seen: Seen) => Entry[]} */
function callsOf({ id }, { requests }) {
  return requests
    .filter(({ path, answer }) => path.includes(id) || answer?.result?.id === id)
    .map(({ time, method, path, status, body, answer }) => ({
      at: time,
      step: 'gateway',
      title: `${method} ${path.replace(id, '{id}')}`,
      detail: status === null ? 'no answer' : `answered ${status}`,
      tone: status === 200 ? 'good' : 'bad',
      json: { body, answer },
    }));
}

/** @type {(payment: any, seen: Seen) => Entry[]} */
function deliveriesOf({ id }, { webhooks }) {
  return webhooks.filter(({ paymentId }) => paymentId === id).flatMap(deliveryOf);
}

/** @param {any} delivery @returns {Entry[]} */
function deliveryOf({ time, body, attempt, status, signature }) {
  const said = JSON.parse(body);
  const wasQueued = status === 200;
  return [
    {
      at: time,
      step: 'webhook',
      title: `Says ${said.state}, delivery ${attempt}`,
      detail: status === null ? 'lost: no answer' : `answered ${status}`,
      tone: wasQueued ? 'good' : 'bad',
      json: { signature, body: said },
    },
    // It is answered with 200 once it is on the queue, and not before.
    ...(wasQueued
      ? [/** @type {Entry} */ ({ at: time, step: 'queue', title: 'Verified and queued', json: { body } })]
      : []),
  ];
}

/** @type {(payment: any) => Entry[]} */
function writesOf({ history, quarantine = [] }) {
  const writes = history.map((/** @type {any} */ entry, /** @type {number} */ index) => ({
    at: entry.at,
    step: 'write',
    title: `Version ${index + 1}: ${entry.facts.state}`,
    detail: `${entry.corrected ? 'corrected, ' : ''}by ${entry.source}`,
    tone: 'good',
    json: entry,
  }));
  const kept = quarantine.map((/** @type {any} */ event) => ({
    at: event.at,
    step: 'write',
    title: `Quarantined: ${event.state}`,
    detail: 'paytech denies it, so nothing was changed',
    tone: 'bad',
    json: event,
  }));
  return [...writes, ...kept];
}

/** @type {(payment: any, seen: Seen) => Entry[]} */
function eventsOf({ id }, { events }) {
  return events
    .filter(({ event }) => event.subject === id)
    .map(({ publishedAt, event }) => ({
      at: publishedAt,
      step: 'event',
      title: event.type,
      detail: `id …${event.id.slice(-8)}`,
      tone: 'good',
      json: event,
    }));
}
