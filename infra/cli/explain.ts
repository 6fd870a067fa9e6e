import { alarmsOfClaim } from '../../shared/calls/alarms-of.ts';
import type { Claim } from '../../shared/payment/claim.ts';
import { type Advice, adviceOn, adviceOnClaim } from './advice.ts';
import type { Environment } from './environment.ts';
import { claimsWithoutPayment, type FoundPayment, findPayments } from './find-payments.ts';
import { type Result, time } from './output.ts';
import { printable } from './printable.ts';
import { type TimelineEntry, timelineOf, timelineOfClaim } from './timeline.ts';

interface Explanation extends Advice {
  /** Of the payment; absent for a claim that has none. */
  id?: string;
  title: string;
  timeline: TimelineEntry[];
}

/** `explain <id|reference>`: who said what when, what was done about it, and what to do now. */
export async function explain(environment: Environment, query: string): Promise<Result> {
  const { payments, claims } = await findPayments(environment, query);
  const alone = claimsWithoutPayment(payments, claims);
  const explanations = [
    ...payments.map(explainPayment),
    ...(await Promise.all(
      alone.map(async (claim) => explainClaim(claim, await alarmsOfClaim(environment.table, claim))),
    )),
  ];
  return { document: { explanations }, text: explanations.map(asText).join('\n\n') };
}

function explainPayment(found: FoundPayment): Explanation {
  const { id, record, claim, alarms } = found;
  const reference = record?.referenceId ? ` for ${record.referenceId}` : '';
  const parent = record?.parentPaymentId ? `, of payment ${record.parentPaymentId}` : '';
  return {
    id,
    title: `${record?.paymentType ?? 'Payment'} ${id}${reference}${parent}`,
    timeline: record ? timelineOf(record, claim, alarms) : [],
    ...adviceOn(found),
  };
}

function explainClaim(claim: Claim, alarms: FoundPayment['alarms']): Explanation {
  const title = `${claim.kind.toUpperCase()} ${claim.referenceId}, of which no payment is recorded`;
  return { title, timeline: timelineOfClaim(claim), ...adviceOnClaim(claim, alarms) };
}

function asText({ title, timeline, now, todo }: Explanation): string {
  const entries = timeline.map(({ at, text }) => `${time(at)}\n${indented(text)}`);
  const steps = todo.map((each, index) =>
    todo.length > 1 ? indented(each, `${index + 1}. `) : indented(each),
  );
  return [printable(title), ...entries, `Now\n${indented(now)}`, `What to do\n${steps.join('\n')}`].join(
    '\n\n',
  );
}

const WIDTH = 96;

function indented(text: string, mark = ''): string {
  const lines: string[] = [''];
  // A command stays in one piece, to be copied.
  for (const part of text.match(/"paytech-ops[^"]*"\S*|\S+/g) ?? []) {
    const last = lines.at(-1)!;
    if (last.length + part.length >= WIDTH) lines.push(part);
    else lines[lines.length - 1] = last ? `${last} ${part}` : part;
  }
  return lines.map((line, index) => `  ${index === 0 ? mark : ' '.repeat(mark.length)}${line}`).join('\n');
}
