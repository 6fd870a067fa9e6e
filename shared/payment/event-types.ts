// Made by `npm run event-schema`, from shared/payment/event-schema.ts.
import type { Decimal } from './money.ts';

/** An event as it was read; one from before amounts were texts has neither `dataschema` nor `origin`. */
export interface ReadPaymentEvent {
  specversion: '1.0';
  /** `<paymentId>:<version>`; a redelivery has the same id and says the same. */
  id: string;
  /** Names the deployment that says this. */
  source: string;
  /** The payment's state; or `corrected`: what was final was wrong, as paytech has confirmed; or `chargeback`: its state is as before, and `data.chargeback` says what became of the chargeback. */
  type: 'paytech.payment.checkout' | 'paytech.payment.pending' | 'paytech.payment.awaiting_approval' | 'paytech.payment.authorized' | 'paytech.payment.completed' | 'paytech.payment.declined' | 'paytech.payment.cancelled' | 'paytech.payment.corrected' | 'paytech.payment.chargeback';
  /** The payment's id. */
  subject: string;
  /** When the change was written. */
  time: string;
  datacontenttype: 'application/json';
  dataschema?: string | undefined;
  data: {
    /** Raised by one by every change. Keep the highest; events may come in any order, and again. */
    version: number;
    /** null if this event was the first that this service saw of the payment. */
    previousState: 'CHECKOUT' | 'PENDING' | 'AWAITING_APPROVAL' | 'AUTHORIZED' | 'COMPLETED' | 'DECLINED' | 'CANCELLED' | null;
    origin?: 'service' | 'external' | undefined;
    payment: EventPayment;
    /** Of the event type `paytech.payment.chargeback`. OPEN: the customer has charged the payment back, and it is not decided. COMPLETED: the money is gone. CANCELLED, DECLINED: it stays. */
    chargeback?: {
      state: 'OPEN' | 'CANCELLED' | 'DECLINED' | 'COMPLETED';
    } | undefined;
  };
}

/** The payment as of one version. */
export interface EventPayment {
  /** paytech's id of the payment. */
  id: string;
  /** The merchant's id: of a deposit that of the order, of a refund or withdrawal that of its request. */
  referenceId?: string | undefined;
  paymentType: 'DEPOSIT' | 'WITHDRAWAL' | 'REFUND';
  /** Of a refund: the deposit that it pays back. Of a deposit: the one by whose token it was charged, or in whose place paytech tried it. */
  parentPaymentId?: string | undefined;
  state: 'CHECKOUT' | 'PENDING' | 'AWAITING_APPROVAL' | 'AUTHORIZED' | 'COMPLETED' | 'DECLINED' | 'CANCELLED';
  /** Whether paytech will not move it on by itself: COMPLETED, DECLINED or CANCELLED. */
  final: boolean;
  /** An exact decimal in major units: 11.12 is EUR 11.12. */
  amount: Decimal;
  /** Of `amount`: ISO 4217, or the code of a cryptocurrency. */
  currency: string;
  /** An exact decimal in major units: 11.12 is EUR 11.12. */
  requestedAmount?: Decimal | undefined;
  /** Of `requestedAmount`. */
  requestedCurrency?: string | undefined;
  /** Of a COMPLETED or AUTHORIZED payment: whether amount and currency are those that were asked for. Absent where what was asked for is unknown. */
  paidAsRequested?: boolean | undefined;
  /** Of the parameters that the merchant gave with the request, those that `eventParameters` names. */
  additionalParameters?: Record<string, string> | undefined;
  /** Such as BASIC_CARD. */
  paymentMethod?: string | undefined;
  /** Masked: at most its last four characters. */
  account?: string | undefined;
  /** Such as VISA. */
  cardBrand?: string | undefined;
  /** ISO 3166 alpha-2, of the card's issuer. */
  country?: string | undefined;
  /** The provider's id of the payment. */
  externalId?: string | undefined;
  /** The provider's code for its ending. */
  externalResultCode?: string | undefined;
  /** The provider's fee. An exact decimal in major units: 11.12 is EUR 11.12. May be below zero. */
  externalFeeAmount?: Decimal | undefined;
  /** Of `externalFeeAmount`. */
  externalFeeCurrency?: string | undefined;
  /** paytech's code of why it failed. */
  errorCode?: string | undefined;
  /** paytech's own words for it, not meant for the customer; what is fit for them is the storefront's `errorMessage`. */
  gatewayMessage?: string | undefined;
  /** When paytech made the payment. */
  created: string;
  /** When this version was written. */
  updated: string;
}
