import type { Claim } from '../../shared/payment/claim.ts';
import { isPublished } from '../../shared/payment/cloud-event.ts';
import {
  type HistoryEntry,
  type PaymentRecord,
  paymentAt,
  type QuarantinedEvent,
} from '../../shared/payment/payment.ts';
import type { StandingEntry } from '../../shared/store/standing.ts';
import { count, money } from './output.ts';

/** What happened when, in a sentence or a few. */
export interface TimelineEntry {
  /** ISO 8601, UTC. */
  at: string;
  text: string;
}

/** The life of a payment as the record has it, oldest first. */
export function timelineOf(
  record: PaymentRecord,
  claim: Claim | undefined,
  alarms: readonly StandingEntry[],
): TimelineEntry[] {
  const entries = [
    ...record.history.map((entry, index) => ({ at: entry.at, text: applied(record, entry, index + 1) })),
    ...record.quarantine.map((event, index) => ({ at: event.at, text: doubted(record, event, index) })),
    ...record.operations.flatMap(({ kind, amount, caller, startedAt, released }) => [
      {
        at: new Date(startedAt).toISOString(),
        text: `${caller ?? 'The storefront'} asked paytech to ${kind} it${amount ? `, ${money(amount, record.currency)}` : ''}.`,
      },
      ...(released
        ? [
            {
              at: released.at,
              text: `${released.by} said that the ${kind} will not take effect: "${released.why}".`,
            },
          ]
        : []),
    ]),
    ...(claim ? aboutClaim(record, claim) : []),
    ...alarms.flatMap(acknowledged),
  ];
  return entries.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

function acknowledged({ alarm, acknowledgements }: StandingEntry): TimelineEntry[] {
  return acknowledgements.map(({ at, caller, reason, found }) => ({
    at,
    text: `${caller} acknowledged the alarm ${alarm} (${found.join(', ')}): "${reason}".`,
  }));
}

/** Of a claim that ended well the payment itself tells, but for who asked, where it did not begin with the answer. */
function aboutClaim(record: PaymentRecord, claim: Claim): TimelineEntry[] {
  if (claim.stage !== 'known') return timelineOfClaim(claim);
  const isInRecord = record.history[0]?.source === 'create' || claim.paymentId !== record.id;
  return [...(isInRecord ? [] : [requestOf(claim)]), ...resolutionsOf(claim)];
}

/** Who asked for what, and when it was sent. */
function requestOf({ kind, stage, attempt, sentAt, request, caller }: Claim): TimelineEntry {
  // Of a released one this is the attempt that may follow, which nobody has sent.
  const which = attempt > 1 && stage !== 'released' ? ` (attempt ${attempt})` : '';
  const asked = `${caller ?? 'The shop'} asked for a ${kind} of ${money(request.amount, request.currency)}${which}.`;
  return { at: new Date(sentAt).toISOString(), text: asked };
}

/** The same for a claim that has no payment yet. */
export function timelineOfClaim(claim: Claim): TimelineEntry[] {
  const { stage, flag, lastLookUpAt } = claim;
  const { at, text } = requestOf(claim);
  const entries = [{ at, text: `${text} ${ENDINGS[stage]}` }];
  if (lastLookUpAt !== undefined) {
    const found = flag ? `${flag}; a person has to decide` : 'no answer yet';
    entries.push({
      at: new Date(lastLookUpAt).toISOString(),
      text: `It was looked up at paytech: ${found}.`,
    });
  } else if (flag) {
    entries[0]!.text += ` It is flagged: ${flag}.`;
  }
  return [...entries, ...resolutionsOf(claim)];
}

const ENDINGS: Record<Claim['stage'], string> = {
  reserving: 'Its money is being set aside; nothing was sent to paytech yet.',
  sent: 'The call to paytech is under way, or the process that made it has died.',
  unknown: 'The outcome at paytech is unknown.',
  known: 'paytech made the payment.',
  released: 'paytech created nothing, and the next request may try again.',
  flagged: 'The outcome at paytech is unknown.',
};

function resolutionsOf({ resolutions = [] }: Claim): TimelineEntry[] {
  return resolutions.map(({ at, caller, outcome, reason, flag }) => {
    const verdict = outcome === 'sent' ? 'was sent' : 'was not sent';
    return {
      at,
      text: `${caller} decided that it ${verdict}: "${reason}"${flag ? ` (it was flagged because ${flag})` : ''}.`,
    };
  });
}

function applied(record: PaymentRecord, entry: HistoryEntry, version: number): string {
  const now = paymentAt(record, version);
  const said = `${now.state} over ${money(now.amount, now.currency)}`;
  const published = isPublished(record, version) ? ` It was published as event ${record.id}:${version}.` : '';
  if (version === 1 && entry.source === 'create') {
    const asked = `a ${record.paymentType.toLowerCase()} of ${money(record.requestedAmount, record.requestedCurrency)}`;
    const why = entry.reason ? ` (adopted: "${entry.reason}")` : '';
    return `${entry.caller ?? 'The shop'} asked for ${asked}, and paytech made the payment as ${now.state}${why}.`;
  }
  if (entry.chargeback) {
    const verb = entry.source === 'webhook' ? 'said' : 'noted';
    return `${reporter(entry)} ${verb} that its chargeback is ${entry.chargeback.state} (version ${version}).${published}`;
  }
  if (entry.corrected) {
    const before = paymentAt(record, version - 1);
    const stood = `${before.state} over ${money(before.amount, before.currency)}`;
    const asked =
      entry.source === 'webhook'
        ? `${reporter(entry)} contradicted the record, which said ${stood}. paytech was asked which is true and answered ${said}.`
        : `${reporter(entry)} found that paytech says ${said}, although the record said ${stood}.`;
    return `${asked} paytech's answer is final and replaced the record (version ${version}, a correction).${published}`;
  }
  const code = now.errorCode && now.state !== 'COMPLETED' ? ` with error code ${now.errorCode}` : '';
  const verb = entry.source === 'webhook' ? 'said' : 'got from paytech:';
  return `${reporter(entry)} ${verb} ${said}${code}. It was applied as version ${version}.${published}`;
}

/** A contradiction that paytech did not confirm. */
function doubted(record: PaymentRecord, event: QuarantinedEvent, index: number): string {
  const version = Math.max(1, record.history.filter(({ at }) => at <= event.at).length);
  const then = paymentAt(record, version);
  const verb = event.source === 'webhook' ? 'said' : 'got from paytech:';
  const claimed = `${event.state} over ${money(event.amount, event.currency)}`;
  const stood = `${then.state} over ${money(then.amount, then.currency)}`;
  const more = record.quarantined - record.quarantine.length;
  const others =
    more > 0 && index === record.quarantine.length - 1
      ? ` After it came ${count(more, 'more such event')}, only counted.`
      : '';
  return [
    `${reporter(event)} ${verb} ${claimed}, but the record said ${stood}: both cannot be true.`,
    `paytech was asked and did not confirm it, so nothing was changed and nothing was published.`,
    `The event is in quarantine (body SHA-256 ${event.key.slice(0, 12)}…).${others}`,
  ].join(' ');
}

function reporter({
  source,
  caller,
  signature,
}: Pick<HistoryEntry, 'source' | 'caller' | 'signature'>): string {
  switch (source) {
    case 'webhook':
      // By no webhook: somebody put it on the queue.
      if (caller) return `A message that ${caller} sent to the queue`;
      return signature
        ? `A webhook, correctly signed with key ${signature.key} (${signature.encoding}),`
        : 'A webhook';
    case 'create':
      return 'The call that created it';
    case 'refresh':
      return 'A status check (GET /payments/{id})';
    case 'reconcile':
      return 'reconcile';
    case 'operation':
      return caller ?? 'An operation';
    default:
      return source satisfies never;
  }
}
