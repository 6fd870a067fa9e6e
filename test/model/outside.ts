import { randomUUID } from 'node:crypto';
import type { PublishBatchCommand, SNSClient } from '@aws-sdk/client-sns';
import type { SendMessageCommandInput } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import type { Sqs } from '../../shared/messaging/event-queue.ts';
import { KIND_OF } from '../../shared/payment/claim.ts';
import type { BatchTable } from '../../shared/store/batch-table.ts';
import { CARD_TOKEN } from './back-office.ts';
import type { Arrived, Subject, TokenUse } from './ledger.ts';
import type { OrderRequest, openOrders } from './orders.ts';
import type { CreateEnding, TableFault } from './schedule.ts';
import type { State } from './simulation-state.ts';

/** The answer of a create call that made a payment does not come, or says something else. */
const LOSES: ReadonlySet<CreateEnding> = new Set(['lost', 'late', 'limited-made']);

/** What the functions find outside: SQS, SNS, the table and paytech, with the faults of a schedule. */
export function openOutside(state: State, noteSoldAgain: ReturnType<typeof openOrders>['noteSoldAgain']) {
  const { own, table, clock, count, gateway, ledger, published, late, delayed, forGood, noteMade } = state;

  function messageOf({ MessageBody = '', MessageAttributes = {} }: SendMessageCommandInput): SQSRecord {
    const attributes = Object.entries(MessageAttributes).map(([name, { StringValue = '' }]) => [
      name,
      { stringValue: StringValue, dataType: 'String' },
    ]);
    return {
      messageId: randomUUID(),
      body: MessageBody,
      messageAttributes: Object.fromEntries(attributes),
      attributes: { ApproximateReceiveCount: '0' },
    } as unknown as SQSRecord;
  }

  const sqsInto = (messages: SQSRecord[], fault: 'well' | 'down' = 'well'): Sqs => ({
    async sendMessage(input) {
      if (fault === 'down') throw new Error('SQS is down');
      const at = clock.at + (input.DelaySeconds ?? 0) * 1000;
      const arrive = () => messages.push(messageOf(input));
      if (at > clock.at) delayed.push({ at, make: arrive });
      else arrive();
    },
  });

  function snsWith(fault: 'well' | 'down' | 'lost' | 'partly'): SNSClient {
    return {
      async send(command: PublishBatchCommand) {
        if (fault !== 'well') count(`publish ${fault}`);
        if (fault === 'down') throw new Error('SNS is down');
        const entries = command.input.PublishBatchRequestEntries ?? [];
        const refused: { Id: string; Code: string }[] = [];
        for (const { Id = '', Message = '' } of fault === 'partly' ? entries.slice(1) : entries) {
          const { id, subject } = JSON.parse(Message);
          if (forGood.fault === 'subscriber-refuses' && subject === forGood.paymentId) {
            refused.push({ Id, Code: 'InvalidParameter' });
            continue;
          }
          published.set(id, (published.get(id) ?? new Set()).add(Message));
        }
        if (fault === 'lost') throw new Error('the answer of SNS was lost');
        return { Failed: fault === 'partly' ? [{ Id: '0', Code: 'InternalError' }, ...refused] : refused };
      },
    } as unknown as SNSClient;
  }

  /** The table with one fault at one of its writes, as the AWS SDK would show it. */
  function faulty(plan: { atWrite: number; fault: TableFault } | undefined): BatchTable {
    let writes = 0;
    const write = async <R>(action: () => Promise<R>): Promise<R> => {
      if (plan?.atWrite !== writes++) return action();
      count(`table ${plan.fault}`);
      if (plan.fault === 'refused') throw new Error('the write was throttled');
      const first = await action();
      if (plan.fault === 'lost') throw new Error('the answer of the table was lost');
      return plan.fault === 'repeated' ? action() : first;
    };
    return {
      ...table,
      put: (...args) => write(() => table.put(...args)),
      update: (...args) => write(() => table.update(...args)),
    };
  }

  function gatewayThat(ends: CreateEnding, lookUp: 'well' | 'unknown', order?: OrderRequest) {
    const arrived = ledger.arrive();
    const disputedBefore = new Map([...gateway.payments.keys()].map((id) => [id, disputeOf(id)]));
    const next: typeof gateway.create = async (body, limit) => {
      if (ends !== 'well') count(`gateway ${ends}`);
      const token = body.recurringToken !== undefined ? 'recurring' : body.card ? 'card' : 'none';
      if (token === 'card') count(body.paymentType === 'DEPOSIT' ? 'charge by token' : 'payout to a card');
      const kind = KIND_OF[body.paymentType];
      const subject = ledger.sending(arrived, kind, body.referenceId, ends, token);
      if (order) noteSoldAgain(order, `the attempt ${body.referenceId}`);
      notePairsOf(subject, ends, token);
      const dispute = body.parentPaymentId && disputeOf(body.parentPaymentId as string);
      if (kind === 'refund' && dispute && dispute === disputedBefore.get(body.parentPaymentId as string))
        ledger.violations.push(`refund ${subject.id} was sent while a chargeback stood`);
      const by = { by: 'us', for: subject, ends } as const;
      if (ends === 'late') {
        gateway.bodies.push(body);
        late.push({ at: clock.at + 12_000, make: () => noteMade(gateway.make(body), by) });
        return { kind: 'unknown', reason: 'timeout' };
      }
      if (ends === 'limited') gateway.endings.push({ on: 'create', ends: 429 });
      else if (ends === 'limited-made') gateway.endings.push({ on: 'create', ends: '429-made' });
      else if (ends !== 'well') gateway.endings.push({ on: 'create', ends });
      const before = new Set(gateway.payments.keys());
      const answer = await gateway.create(body, limit);
      const made = [...gateway.payments.values()].find(({ id }) => !before.has(id));
      if (made) noteMade(made, by);
      // Of what a card has paid or got, paytech names the token.
      if (made && token === 'card') made.facts = { ...made.facts, cardToken: CARD_TOKEN };
      return answer;
    };
    return { create: next, list: listThat(lookUp, arrived), get: gateway.get };
  }

  /** Which chargeback stands in the way of refunds of a payment, by its record. */
  function disputeOf(id: string): string | undefined {
    const { disputed, chargeback, operations } = own.record(id) ?? {};
    return disputed && `${chargeback?.state} after ${operations?.length} operations`;
  }

  function listThat(lookUp: 'well' | 'unknown', arrived?: Arrived): typeof gateway.list {
    return async (query, limit) => {
      if (lookUp === 'unknown') {
        count('look-up unknown');
        gateway.endings.push({ on: 'list', ends: 'unknown' });
      }
      const answer = await gateway.list(query, limit);
      if (answer.kind === 'answered' && query.referenceId !== undefined) {
        const ids = answer.result.payments.map(({ id }) => id);
        ledger.lookedUp(arrived, query.referenceId, ids);
      }
      return answer;
    };
  }

  function notePairsOf(subject: Subject, ends: CreateEnding, token: TokenUse): void {
    const { list, form } = gateway.weather;
    if (ends === 'limited-made' && list === 'lags') count('pair lag + 429');
    if (LOSES.has(ends) && form !== 'whole') count('pair terse + lost create');
    if (LOSES.has(ends) && token === 'recurring') count('pair charge + lost create');
    if (LOSES.has(ends) && token === 'card') count(`pair card ${subject.kind} + lost create`);
    const hasElsewhere = ledger.siblings(subject).some(({ id }) => ledger.isElsewhere(id));
    if (LOSES.has(ends) && hasElsewhere) count('pair elsewhere + lost create');
  }

  return { sqsInto, snsWith, faulty, gatewayThat, listThat };
}
