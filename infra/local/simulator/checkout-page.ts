/** The pages of the hosted checkout, as HTML text. Everything that comes from outside is escaped. */
import { decimalText } from '../../../shared/payment/money.ts';
import type { Payment } from './payments.ts';
import { TEST_CARDS, type TestCard } from './sandbox.ts';

const STYLE = `
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
  body { margin: 0; display: grid; place-items: center; min-height: 100vh; background: Canvas; color: CanvasText; }
  main { width: min(26rem, 100% - 2rem); padding: 1rem 0; }
  h1 { font-size: 1.1rem; font-weight: 600; margin: 0; }
  h2 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
  .amount { font-size: 2rem; font-weight: 700; margin: 0; overflow-wrap: anywhere; }
  .note { color: color-mix(in srgb, CanvasText 70%, Canvas); margin: 0; }
  .error { border-left: 4px solid #c0392b; padding: .25rem .75rem; }
  form { display: grid; gap: .5rem; margin: 0; }
  button, a.button { font: inherit; text-align: left; padding: .75rem 1rem; border: 1px solid; border-radius: .5rem;
    background: ButtonFace; color: ButtonText; cursor: pointer; text-decoration: none; display: block; }
  button:hover, a.button:hover { outline: 2px solid; }
  button:focus-visible, a.button:focus-visible { outline: 3px solid Highlight; outline-offset: 2px; }
  button small { display: block; }
`;

/** Where the customer pays, with every test card as one button. */
export function checkoutPage(payment: Payment, problem?: string): string {
  const cards = TEST_CARDS.map(
    (card) => `<button name="cardNumber" value="${escapeHtml(card.number)}">${escapeHtml(card.number)}
      <small>${escapeHtml(cardHint(card))}</small></button>`,
  );
  return page(
    'Pay',
    `${header(payment)}
    ${problem ? `<p class="error" role="alert">${escapeHtml(problem)}</p>` : ''}
    <h2>Pay with a test card</h2>
    <form method="post">${cards.join('\n')}</form>
    <h2>Do not pay</h2>
    <form method="post">
      <button name="action" value="decline">Let the bank decline it</button>
      <button name="action" value="cancel">Cancel</button>
    </form>`,
  );
}

/** The bank's question, for cards that ask it. */
export function threeDSecurePage(payment: Payment, card: TestCard): string {
  return page(
    '3-D Secure',
    `${header(payment)}
    <h2>Your bank asks: is it you who pays?</h2>
    <form method="post">
      <input type="hidden" name="cardNumber" value="${escapeHtml(card.number)}">
      <button name="challenge" value="passed">Yes, confirm the payment</button>
      <button name="challenge" value="failed">No, this was not me</button>
    </form>`,
  );
}

/** What became of the payment. Inside a frame it tells the page around it, which is a hint and never a proof. */
export function outcomePage(payment: Payment, returnUrl: string | undefined): string {
  const message = {
    source: 'payment-checkout',
    type: 'checkout.state',
    paymentId: payment.id,
    state: payment.state,
    returnUrl,
  };
  return page(
    payment.state,
    `${header(payment)}
    <h2 role="status">Payment ${escapeHtml(payment.state)}</h2>
    ${payment.errorMessage ? `<p>${escapeHtml(payment.errorMessage)}</p>` : ''}
    ${returnUrl ? `<a class="button" href="${escapeHtml(returnUrl)}">Return to the shop</a>` : ''}
    <script>
      if (window.parent !== window) window.parent.postMessage(${scriptLiteral(message)}, '*');
    </script>`,
  );
}

export function notFoundPage(): string {
  return page('Not found', '<h1>There is no such checkout.</h1>');
}

function header({ amount, currency, request }: Payment): string {
  return `<h1>${escapeHtml(request.description ?? 'Your payment')}</h1>
    <p class="amount">${escapeHtml(decimalText(amount))} ${escapeHtml(currency)}</p>
    <p class="note">Simulated checkout: no real money moves.</p>`;
}

function cardHint({ brand, threeDSecure, accepted }: TestCard): string {
  return `${brand}, ${threeDSecure ? '3-D Secure' : 'no 3-D Secure'}, ${accepted ? 'succeeds' : 'is declined'}`;
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>${escapeHtml(title)} – paytech simulator</title>
  <style>${STYLE}</style>
</head>
<body>
  <main>
    ${body}
  </main>
</body>
</html>
`;
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

/** JSON that cannot end the script element it stands in. */
function scriptLiteral(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}
