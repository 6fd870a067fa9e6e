import { optional, type PaymentFacts, type PaymentRecord } from './payment.ts';
import { isFinal, type Judgement, judge, type PaymentState, type PaymentType } from './state.ts';

/** What paytech says of a payment, as far as the record is concerned. */
export interface Word {
  paymentType?: PaymentType;
  facts: Partial<PaymentFacts> & { state: PaymentState };
}

/** Judges paytech's word against the record. Where it does not mention the amount, it does not dispute it either. */
export function judgeWord(record: PaymentRecord, { paymentType, facts }: Word): Judgement {
  const { state, amount = record.amount, currency = record.currency } = facts;
  return judge(record, { paymentType: paymentType ?? record.paymentType, state, amount, currency });
}

/** Whether the record has something to learn from what paytech says. */
export function isNews(record: PaymentRecord, word: Word): boolean {
  const judgement = judgeWord(record, word);
  return judgement === 'applied' || judgement === 'contradiction';
}

/** Whether the record will become what paytech says: a move that is allowed, or a final word. */
export function willApply(record: PaymentRecord, word: Word): boolean {
  return isNews(record, word) && (judgeWord(record, word) === 'applied' || isFinal(word.facts.state));
}

/**
 * The record as it will be once paytech's latest word, which is on the queue, has been applied: what a caller is
 * shown, so that two answers in a row do not contradict each other. The record itself where there is no such word.
 */
export function asHeard(record: PaymentRecord): PaymentRecord {
  const { heard } = record;
  if (heard?.version !== record.version) return record;
  const { at, facts } = heard;
  return {
    ...record,
    state: facts.state,
    ...optional('amount', facts.amount),
    ...optional('currency', facts.currency),
    version: record.version + 1,
    history: [...record.history, { at, source: 'refresh', facts }],
  };
}
