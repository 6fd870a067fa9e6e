import { randomUUID } from 'node:crypto';
import { executePayment } from '../../functions/execute-payment/pipeline.ts';
import { actionRoute } from '../../functions/operations/actions.ts';
import { recurring } from '../../functions/operations/deposits.ts';
import { refunds } from '../../functions/operations/refunds.ts';
import type { Call } from '../../functions/operations/router.ts';
import { withdrawals } from '../../functions/operations/withdrawals.ts';
import { LOCAL_KEYS } from '../../infra/local/account.ts';
import { act } from '../../shared/calls/act.ts';
import { type ClaimedCallDependencies, claimedCall } from '../../shared/calls/claimed-call.ts';
import type { HttpEvent, Reply } from '../../shared/http/api.ts';
import { EXECUTION_ENDS_MS } from '../../shared/payment/action.ts';
import type { Claim } from '../../shared/payment/claim.ts';
import { stringifyJson } from '../../shared/payment/json.ts';
import { decimal } from '../../shared/payment/money.ts';
import type { PaymentType } from '../../shared/payment/state.ts';
import { readClaim } from '../../shared/store/claims.ts';
import type { Table } from '../../shared/store/table.ts';
import type { MadePayment } from '../support/answered-payment.ts';
import { type MemoryGateway, POSSIBLE_IN } from '../support/memory-gateway.ts';
import { type Answer, answerOf } from './answer.ts';
import type { Subject } from './ledger.ts';
import { type Conductor, runProcess } from './process.ts';
import type { Activity } from './schedule.ts';

type RefundActivity = Extract<Activity, { do: 'refund' }>;
type WithdrawActivity = Extract<Activity, { do: 'withdraw' }>;
type ChargeActivity = Extract<Activity, { do: 'charge' }>;
type ActActivity = Extract<Activity, { do: 'act' }>;
export type Faults = Pick<RefundActivity, 'ends' | 'lookUp' | 'table' | 'crash'>;
type GatewayAnswer = Awaited<ReturnType<MemoryGateway['act']>>;
type Outside = <O extends object>(target: O) => O;

export const WITHDRAWN = decimal('7.000000000000000007');
/** Of a customer's saved card. */
export const CARD_TOKEN = 'token-of-a-saved-card';
/** What a charge by the token of an earlier payment asks for, and at times another one under its id. */
export const CHARGED = [decimal('3.000000000000000003'), decimal('5')] as const;
const WELL: Faults = { ends: 'well', lookUp: 'well', table: undefined, crash: undefined };
/** The first of the two withdrawals is approved or rejected by the merchant before it is carried out. */
export function waitsForApproval({ referenceId }: { referenceId: string }): boolean {
  return referenceId.startsWith('withdrawal-0-');
}

const WEBHOOK_URL = 'https://shop.example/webhooks/paytech';

/** A payout that was asked for, as the back office would send it again. */
export interface BackOfficeRequest {
  name: 'refund' | 'withdrawal' | 'charge';
  kind: Subject['kind'];
  id: string;
  body: Record<string, unknown>;
}

export interface Surroundings {
  conductor: Conductor;
  clock: { at: number };
  table: Table;
  count: (what: string) => void;
  gateway: MemoryGateway;
  /** paytech has moved a payment on. */
  changed: (payment: MadePayment) => void;
  /** What a process of the back office finds outside, with the faults of its activity. */
  outsideOf: (outside: Outside, faults: Faults) => ClaimedCallDependencies;
}

/** The back office: refunds, withdrawals and actions through their routes; the storefront's execution as well. */
export function createBackOffice({
  conductor,
  clock,
  table,
  count,
  gateway,
  changed,
  outsideOf,
}: Surroundings) {
  const run = randomUUID().slice(0, 8);
  const withdrawalId = (index: number) => `withdrawal-${index % 2}-${run}`;
  const requests = new Map<string, BackOfficeRequest>();
  /** By payment and the state that actions lead out of: how often paytech was sent one that it may have carried out. */
  const acted = new Map<string, number>();
  const sentAt = new Map<string, number>();

  function pick(index: number, type: PaymentType): MadePayment | undefined {
    const payments = [...gateway.payments.values()].filter(({ paymentType }) => paymentType === type);
    return payments[index % Math.max(1, payments.length)];
  }
  const third = (amount: { div(by: number): { round(places: number): unknown } }) => amount.div(3).round(18);
  const call = (): Call => ({ caller: 'arn:model', owner: randomUUID(), deadline: clock.at + 14_000 });

  async function ask(
    name: string,
    faults: Faults,
    route: (outside: Outside) => Promise<Reply>,
  ): Promise<Answer | undefined> {
    const ended = await runProcess(conductor, faults.crash, (outside) => answerOf(() => route(outside)));
    if (ended.died) {
      count(`crash of ${name}`);
      return undefined;
    }
    count(`${name} ${ended.value.status} ${ended.value.code ?? ''}`.trim());
    return ended.value;
  }

  function payOut({ name, body }: BackOfficeRequest, faults: Faults): Promise<Answer | undefined> {
    return ask(name, faults, (outside) => {
      const deps = outsideOf(outside, faults);
      const fingerprintKey = { get: async () => LOCAL_KEYS.fingerprintKey };
      const create = claimedCall(deps);
      const settings = { webhookUrl: WEBHOOK_URL, eventParameters: [] };
      const gateway = name === 'charge' ? askedForTokens(deps.gateway) : deps.gateway;
      const all = { ...deps, gateway, create, ...settings, fingerprintKey };
      return ROUTES[name](all)(eventOf(body), call());
    });
  }

  function askedForTokens(gateway: ClaimedCallDependencies['gateway']): ClaimedCallDependencies['gateway'] {
    const get: typeof gateway.get = (...args) => {
      count('charge asks paytech for the token');
      return gateway.get(...args);
    };
    return { ...gateway, get };
  }

  /** A payment by whose token is charged. */
  function parentOf({ parent: index, of }: ChargeActivity): MadePayment | undefined {
    const withToken = [...gateway.payments.values()].filter((each) => each.recurringToken !== undefined);
    return of === 'token' ? withToken[index % Math.max(1, withToken.length)] : pick(index, 'DEPOSIT');
  }

  /** One that can be refunded, where there is any: of the others all that is refused is soon said. */
  function depositToRefund(index: number): MadePayment | undefined {
    const paid = [...gateway.payments.values()].filter(
      ({ paymentType, facts }) => paymentType === 'DEPOSIT' && facts.state === 'COMPLETED',
    );
    return index % 4 === 0
      ? pick(index, 'DEPOSIT')
      : (paid[index % Math.max(1, paid.length)] ?? pick(index, 'DEPOSIT'));
  }

  return {
    requests,
    acted,
    /** The id of one of the two withdrawals. */
    withdrawalId,
    async refund({ payment: index, refund, part, ...faults }: RefundActivity): Promise<void> {
      const payment = depositToRefund(index);
      if (!payment) return;
      const id = `refund-${refund % 4}-${run}`;
      const amount = part === 'all' ? {} : { amount: third(payment.facts.amount!) };
      const request = {
        name: 'refund',
        kind: 'refund',
        id,
        body: { refundId: id, paymentId: payment.id, ...amount },
      } as const;
      if (!requests.has(id)) requests.set(id, request);
      await payOut(request, faults);
    },
    async withdraw({ withdrawal, to, ...faults }: WithdrawActivity): Promise<void> {
      const id = withdrawalId(withdrawal);
      const card = to === 'card' ? { card: { cardToken: CARD_TOKEN } } : {};
      const body = { referenceId: id, amount: WITHDRAWN, currency: 'EUR', ...card };
      const request = { name: 'withdrawal', kind: 'withdrawal', id, body } as const;
      // Which of them holds the claim its hash alone says: each is sent again.
      requests.set(`${id} to ${to}`, request);
      await payOut(request, faults);
    },
    async charge(activity: ChargeActivity): Promise<void> {
      const { charge, changed, ends, lookUp, table, crash } = activity;
      const parent = parentOf(activity);
      if (!parent) return;
      const id = `charge-${charge % 3}-${run}`;
      const [usual, other] = CHARGED;
      const amount = changed === 'amount' ? other : usual;
      const body = { referenceId: id, amount, currency: 'EUR', parentPaymentId: parent.id };
      const request = { name: 'charge', kind: 'deposit', id, body } as const;
      if (!requests.has(id)) requests.set(id, request);
      await payOut(request, { ends, lookUp, table, crash });
    },
    async act({ payment: index, action, part, ends, ask: asked, ...rest }: ActActivity): Promise<void> {
      const payment = pick(index, action === 'approve' || action === 'reject' ? 'WITHDRAWAL' : 'DEPOSIT');
      if (!payment) return;
      const body = action === 'capture' && part === 'third' ? { amount: third(payment.facts.amount!) } : {};
      const faults: Faults = { ends: 'well', lookUp: 'well', ...rest };
      /** Sends the action on, noting whether paytech may carry it out. */
      const sending = async (send: () => Promise<GatewayAnswer>): Promise<GatewayAnswer> => {
        if (ends !== 'well') count(`${action} ${ends}`);
        if (ends === 'limited') gateway.endings.push({ on: action, ends: 429 });
        else if (ends !== 'well') gateway.endings.push({ on: action, ends });
        const from = POSSIBLE_IN[action];
        const mayDoIt = ends !== 'refused' && ends !== 'limited' && payment.facts.state === from;
        const way = `${payment.id} out of ${from}`;
        if (mayDoIt) {
          // What has certainly ended and shows that nothing was done may be executed anew.
          const hasEnded = clock.at - (sentAt.get(way) ?? 0) >= EXECUTION_ENDS_MS;
          acted.set(way, action === 'execute' && hasEnded ? 1 : (acted.get(way) ?? 0) + 1);
          sentAt.set(way, clock.at);
        }
        const answer = await send();
        if (payment.facts.state !== from && mayDoIt) changed(payment);
        return answer;
      };
      await ask(action, faults, (outside) => {
        const deps = outsideOf(outside, faults);
        const run = act({
          ...deps,
          ready: async () => {},
          gateway: outside({
            execute: (...args: Parameters<typeof gateway.execute>) => sending(() => gateway.execute(...args)),
            act: (...args: Parameters<typeof gateway.act>) => sending(() => gateway.act(...args)),
            get: async (...args: Parameters<typeof gateway.get>) => {
              if (asked === 'unknown') gateway.endings.push({ on: 'get', ends: 'unknown' });
              return gateway.get(...args);
            },
          }),
        });
        const event = eventOf(body, payment.id);
        const { owner, deadline, caller } = call();
        return action === 'execute'
          ? executePayment({ act: run })(event, owner, deadline)
          : actionRoute({ act: run })(event, action, { owner, deadline, caller });
      });
    },
    /** The request that holds the claim, or else the first one for this id. */
    async resend({ body, ...request }: BackOfficeRequest): Promise<Answer | undefined> {
      const claim = await readClaim(table, request.kind, request.id);
      return payOut(
        { ...request, body: claim ? { ...body, ...claimedOf(request.name, claim) } : body },
        WELL,
      );
    },
  };
}

/** What a request for one payment may have instead of what another for it has. */
function claimedOf(name: BackOfficeRequest['name'], { request: { amount, parentPaymentId } }: Claim) {
  switch (name) {
    case 'refund':
      return { paymentId: parentPaymentId, amount };
    case 'charge':
      return { parentPaymentId, amount };
    case 'withdrawal':
      return {};
    default:
      return name satisfies never;
  }
}

const ROUTES = { refund: refunds, withdrawal: withdrawals, charge: recurring };

function eventOf(body: Record<string, unknown>, id?: string): HttpEvent {
  return {
    body: stringifyJson(body),
    headers: {},
    ...(id ? { pathParameters: { id } } : {}),
    requestContext: { requestId: 'model', http: { sourceIp: '192.0.2.1' } },
  } as unknown as HttpEvent;
}
