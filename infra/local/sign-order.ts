/** An order token as the merchant's server makes it. */
import { SignJWT } from 'jose';
import { orderClaims } from '../../functions/create-payment/order-token.ts';
import { parseJson } from '../../shared/payment/json.ts';

export interface OrderClaims {
  referenceId: string;
  /** A decimal string in major units: `11.12`; left out, the customer chooses it. */
  amount?: string;
  currency: string;
  /** What a browser must not choose, such as `{preAuth: true}`. */
  payment?: object;
}

/** Throws with one line per wrong claim. `seconds`: from now until it expires. */
export async function signOrder(claims: OrderClaims, key: string, seconds: number): Promise<string> {
  const checked = orderClaims.safeParse(parseJson(JSON.stringify(claims)));
  if (!checked.success) {
    throw new Error(
      checked.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('\n'),
    );
  }
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime(Math.floor(Date.now() / 1000) + seconds)
    .sign(Buffer.from(key));
}
