/**
 * The demo shop's own server, in the place of a merchant's: it knows the prices and keeps the orders. What it answers as
 * `payment` goes into `POST /payments` as it is: the order token, or without order tokens the order itself.
 */
import { randomUUID } from 'node:crypto';
import { LOCAL_KEYS } from '../account.ts';
import { signOrder } from '../sign-order.ts';

interface Product {
  name: string;
  /** EUR, a decimal string. */
  price: string;
}

/** By the names under which the shop's page asks for them. */
const PRODUCTS: ReadonlyMap<string, Product> = new Map([
  ['beans', { name: 'House blend, 500 g', price: '12.50' }],
  ['teapot', { name: 'Stoneware teapot', price: '39.90' }],
  ['espresso', { name: 'Espresso machine', price: '240.00' }],
]);

const TOKEN_SECONDS = 3600;

export interface Order {
  referenceId: string;
  description: string;
  amount: string;
  currency: string;
  payment: { orderToken: string } | { referenceId: string; amount: string; currency: string };
}

export interface Merchant {
  /** Undefined when there is no such product. */
  order(product: string): Promise<Order | undefined>;
  /** The same order with a fresh token, for another attempt to pay it. */
  find(referenceId: string): Promise<Order | undefined>;
}

export function openMerchant(orderTokens: 'required' | 'off'): Merchant {
  const orders = new Map<string, Product>();

  async function find(referenceId: string): Promise<Order | undefined> {
    const product = orders.get(referenceId);
    if (!product) return undefined;
    const claims = { referenceId, amount: product.price, currency: 'EUR' };
    const payment =
      orderTokens === 'required'
        ? { orderToken: await signOrder(claims, LOCAL_KEYS.orderTokenKey, TOKEN_SECONDS) }
        : claims;
    return { ...claims, description: product.name, payment };
  }

  return {
    find,
    async order(name) {
      const product = PRODUCTS.get(name);
      if (!product) return undefined;
      const referenceId = `order-${randomUUID().slice(0, 8)}`;
      orders.set(referenceId, product);
      return find(referenceId);
    },
  };
}
