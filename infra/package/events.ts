/** What `import … from 'paytech-payments/events'` gives in a subscriber's function: nothing of CDK. */
import { needed } from './needed-node.ts';

export type { EventPayment, ReadPaymentEvent } from '../../shared/payment/event-types.ts';
export { readPaymentEvent } from '../../shared/payment/read-event.ts';

if (needed) throw new Error(needed);
