/**
 * The demo shop's own server, in the place of a merchant's: it knows the prices and the customer, and keeps the orders.
 * What it answers as `payment` goes into `POST /payments` as it is: the order token, or without order tokens the order
 * itself. What names a customer's card stays here: the browser gets it sealed in the token, or not at all.
 */
import { randomUUID } from 'node:crypto';
import { LOCAL_KEYS } from '../account.ts';
import type { BackOffice } from '../back-office.ts';
import { type OrderClaims, signOrder } from '../sign-order.ts';

interface Product {
  name: string;
  /** EUR, a decimal string. */
  price: string;
  /** How often paytech charges it again, until the customer cancels. */
  subscription?: { frequency: number; frequencyUnit: 'MONTH' };
}

/** By the names under which the shop's page asks for them. */
const PRODUCTS: ReadonlyMap<string, Product> = new Map([
  ['beans', { name: 'House blend, 500 g', price: '12.50' }],
  ['teapot', { name: 'Stoneware teapot', price: '39.90' }],
  ['espresso', { name: 'Espresso machine', price: '240.00' }],
  [
    'beans-monthly',
    {
      name: 'Coffee subscription',
      price: '11.50',
      subscription: { frequency: 1, frequencyUnit: 'MONTH' },
    },
  ],
]);

/** This shop's one customer, who is always signed in. paytech saves their cards under this name. */
const CUSTOMER = { referenceId: 'demo-customer' };

const TOKEN_SECONDS = 3600;

export interface Order {
  referenceId: string;
  description: string;
  amount: string;
  currency: string;
  /** Whether paytech goes on to charge it. */
  isSubscription: boolean;
  /** Where the page sends `payment`: '' is the service, '/shop' is this server, which adds the card and passes it on. */
  api: '' | '/shop';
  payment: { orderToken: string } | OrderClaims;
}

interface SavedCard {
  cardToken: string;
  brand: string;
  panMasked: string;
}

export interface Wish {
  /** A new order of this product, or that order once more, with a fresh token. */
  product?: string;
  referenceId?: string;
  bySavedCard: boolean;
}

export interface Merchant {
  /** Undefined when there is no such product, order or saved card. */
  order(wish: Wish): Promise<Order | undefined>;
  /** Charges the saved card for an order, as a server that signs no order tokens; undefined as above. */
  charge(payment: { referenceId: string }): Promise<Response | undefined>;
  /** What the customer sees of their saved cards, the newest first. None where nobody says: there are other ways to pay. */
  cards(): Promise<Omit<SavedCard, 'cardToken'>[]>;
}

export interface MerchantOptions {
  apiUrl: string;
  orderTokens: 'required' | 'off';
  backOffice: BackOffice;
}

export function openMerchant({ apiUrl, orderTokens, backOffice }: MerchantOptions): Merchant {
  const orders = new Map<string, Product>();

  /** With the tokens that charge them. */
  async function savedCards(): Promise<SavedCard[]> {
    const path = `/customers/${CUSTOMER.referenceId}/cards`;
    return (await backOffice<{ cards: SavedCard[] }>('GET', path)).cards;
  }

  function newOrder(name = ''): string | undefined {
    const product = PRODUCTS.get(name);
    const referenceId = `order-${randomUUID().slice(0, 8)}`;
    if (product) orders.set(referenceId, product);
    return product && referenceId;
  }

  return {
    async order({ product: name, referenceId = newOrder(name) ?? '', bySavedCard }) {
      const product = orders.get(referenceId);
      const [card] = bySavedCard ? await savedCards() : [];
      if (!product || (bySavedCard && !card)) return undefined;
      const claims = claimsOf(referenceId, product);
      const order = { ...claims, description: product.name, isSubscription: !!product.subscription };
      if (orderTokens === 'off') {
        return card
          ? { ...order, api: '/shop', payment: claims }
          : { ...order, api: '', payment: { ...claims, ...termsOf(product) } };
      }
      const payment = { ...termsOf(product), ...(card && { cardToken: card.cardToken }) };
      const orderToken = await signOrder({ ...claims, payment }, LOCAL_KEYS.orderTokenKey, TOKEN_SECONDS);
      return { ...order, api: '', payment: { orderToken } };
    },
    async charge(payment) {
      const product = orders.get(payment.referenceId);
      const [card] = await savedCards();
      if (!product || !card) return undefined;
      const order = { ...claimsOf(payment.referenceId, product), ...termsOf(product) };
      return fetch(`${apiUrl}/payments`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...payment, ...order, cardToken: card.cardToken }),
      });
    },
    async cards() {
      const cards = await savedCards().catch(() => []);
      return cards.map(({ brand, panMasked }) => ({ brand, panMasked }));
    },
  };
}

function claimsOf(referenceId: string, { price }: Product) {
  return { referenceId, amount: price, currency: 'EUR' };
}

/** What a browser must not choose. */
function termsOf({ subscription }: Product) {
  return { customer: CUSTOMER, ...(subscription && { startRecurring: true, subscription }) };
}
