/** What `import … from 'paytech-payments'` gives in a CDK app. */
import { needed } from './needed-node.ts';

export type { EventPayment, ReadPaymentEvent } from '../../shared/payment/event-types.ts';
export { readPaymentEvent } from '../../shared/payment/read-event.ts';
export { addOutputs } from '../stack/outputs.ts';
export {
  PaymentEventsSubscription,
  type PaymentEventsSubscriptionProps,
} from '../stack/payment-events-subscription.ts';
export { PaytechPayments } from '../stack/paytech-payments.ts';
export type {
  Domain,
  EventFilter,
  Settings,
  SettingsInput,
  Subscriber,
  Throttle,
} from '../stack/settings-types.ts';

if (needed) throw new Error(needed);
