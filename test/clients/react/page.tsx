import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { PayButton } from './PayButton.tsx';
import { PaymentResult } from './PaymentResult.tsx';

/** A shop's app with the two components, as its author would use them. */

async function getOrderToken(): Promise<string> {
  const answer = await fetch('/your-server/order-token', { method: 'POST' });
  const { orderToken } = (await answer.json()) as { orderToken: string };
  return orderToken;
}

const id = new URLSearchParams(location.search).get('payment') ?? undefined;
const page =
  location.pathname === '/thanks' ? (
    <PaymentResult id={id} payUrl="/" />
  ) : (
    <PayButton getOrderToken={getOrderToken} returnUrl={`${location.origin}/thanks?payment={id}`} />
  );
createRoot(document.getElementById('root')!).render(<StrictMode>{page}</StrictMode>);
