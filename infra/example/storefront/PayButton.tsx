import { useState } from 'react';
import { openStorefront, PaymentError, redirect } from './paytech-storefront.js';

const storefront = openStorefront('<ApiUrl>');

interface PayButtonProps {
  /** The order token that your server signs. */
  getOrderToken: () => Promise<string>;
  /** The page with {@link PaymentResult}; `{id}` in its address becomes the payment's id. */
  returnUrl: string;
}

export function PayButton({ getOrderToken, returnUrl }: PayButtonProps) {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');

  async function pay() {
    setBusy(true);
    setProblem('');
    try {
      const orderToken = await getOrderToken();
      const payment = await storefront.create({ orderToken, paymentMethod: 'BASIC_CARD', returnUrl });
      // Paid already, or nothing to confirm: how it stands is said where others return to.
      if (payment.redirectUrl) redirect(payment);
      else location.assign(returnUrl.replace('{id}', encodeURIComponent(payment.id)));
    } catch (error) {
      setProblem(
        error instanceof PaymentError
          ? error.customerMessage
          : 'Please try again: you have not been charged.',
      );
    } finally {
      setBusy(false);
    }
  }

  return (
    <>
      <button type="button" disabled={isBusy} onClick={pay}>
        {isBusy ? 'One moment …' : 'Pay'}
      </button>
      <p role="alert">{problem}</p>
    </>
  );
}
