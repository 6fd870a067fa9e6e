import { useEffect, useState } from 'react';
import { messageFor, outcomeOf } from './outcome.js';
import { openStorefront, type Payment } from './paytech-storefront.js';

const storefront = openStorefront('<ApiUrl>');

/** With preAuth the customer is done at AUTHORIZED, which is not final. */
const isDone = ({ final, state }: Payment) => final || state === 'AUTHORIZED';

interface PaymentResultProps {
  /** From the page's address; undefined where that names none. */
  id: string | undefined;
  /** The page with {@link PayButton}. */
  payUrl: string;
}

export function PaymentResult({ id, payUrl }: PaymentResultProps) {
  const [payment, setPayment] = useState<Payment>();
  const [problem, setProblem] = useState<string>();

  useEffect(() => {
    setPayment(undefined);
    setProblem(id ? undefined : messageFor(undefined));
    if (!id) return;
    const leaving = new AbortController();
    storefront
      .waitForFinal(id, { onUpdate: setPayment, isDone, signal: leaving.signal })
      .catch((error: unknown) => leaving.signal.aborted || setProblem(messageFor(error)));
    return () => leaving.abort();
  }, [id]);

  if (problem) return <p role="status">{problem}</p>;
  if (!payment) return <p role="status">We are confirming your payment …</p>;
  const { text, checkoutUrl, mayTryAgain = false } = outcomeOf(payment);
  return (
    <>
      <p role="status">{text}</p>
      {checkoutUrl && <a href={checkoutUrl}>Go to the payment page</a>}
      {mayTryAgain && <a href={payUrl}>Try again</a>}
    </>
  );
}
