/** A payment as the simulated gateway keeps it. */
import { randomUUID } from 'node:crypto';
import type { Decimal } from '../../../shared/payment/money.ts';
import { isPaymentState, STATES } from '../../../shared/payment/state.ts';
import type { CreateRequest } from './create-request.ts';
import type { ChargebackRequest } from './requests.ts';
import type { TestCard } from './sandbox.ts';

export interface Payment {
  readonly id: string;
  readonly created: Date;
  /** When a deposit that the customer has not paid is cancelled. */
  readonly expires: Date;
  /** What the shop asked for. */
  readonly request: CreateRequest;
  /** Neither settles nor is charged by itself. */
  readonly held: boolean;
  /** Audit steps, oldest first. */
  readonly operations: Operation[];
  updated: Date;
  /** One of paytech's states, or any other text that it was driven to. */
  state: string;
  /** What the provider got, which may differ from what was asked; none while the customer has yet to choose it. */
  amount?: Decimal | undefined;
  currency: string;
  errorCode?: string | undefined;
  errorMessage?: string | undefined;
  externalResultCode?: string | undefined;
  card?: TestCard | undefined;
  /** Whether the customer asked to have the card remembered. */
  savedByCustomer?: boolean | undefined;
  externalRefs?: Record<string, string> | undefined;
  /** By which a first deposit with startRecurring is charged again. */
  recurringToken?: string | undefined;
  subscription?: Subscription | undefined;
  chargeback?: Chargeback | undefined;
}

export interface Operation {
  id: number;
  operation: string;
  at: Date;
  paymentState: string;
}

/** A state that is absent is an open chargeback's. */
export type Chargeback = ChargebackRequest;

export interface Subscription {
  id: string;
  state: 'ACTIVE' | 'CANCELLED' | 'COMPLETED';
  cycles: Cycle[];
}

export interface Cycle {
  sequence: number;
  type: 'REGULAR' | 'RETRY';
  startTime: Date;
  paymentId: string;
}

/** Whether a customer can still pay: an open deposit. */
export function isPayable({ request, state }: Payment): boolean {
  return request.paymentType === 'DEPOSIT' && rowOf(state)?.payable === true;
}

export function isFailed({ state }: Payment): boolean {
  return rowOf(state)?.failed === true;
}

/** Whether it has the customer's money, or a hold on it. */
export function isPaid({ state }: Payment): boolean {
  return rowOf(state)?.money === true;
}

/** Whether paytech sends a webhook of it. */
export function isAnnounced({ state }: Payment): boolean {
  return rowOf(state)?.announced === true;
}

function rowOf(state: string) {
  return isPaymentState(state) ? STATES[state] : undefined;
}

/** 32 characters of [a-zA-Z0-9], as paytech's ids and tokens. */
export function newId(): string {
  return randomUUID().replaceAll('-', '');
}
