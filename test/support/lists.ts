import type { GatewayPayment } from '../../shared/paytech/wire.ts';
import type { World } from './world.ts';

export type List = World['gateway']['list'];

/** Lists of paytech's that say less than they should. */
export function listsOf(world: World) {
  /** What paytech's list says, with each entry changed. */
  const listThat = (change: (payment: GatewayPayment) => GatewayPayment): List => {
    return async (query, limit) => {
      const answer = await world.gateway.list(query, limit);
      if (answer.kind !== 'answered') return answer;
      return { ...answer, result: { ...answer.result, payments: answer.result.payments.map(change) } };
    };
  };

  const withoutType = listThat(({ paymentType: _, ...rest }) => rest);

  return { listThat, withoutType };
}
