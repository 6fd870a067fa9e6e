/** Where paytech's webhooks come in. */

/** Of everything at the shop; payments that were made here have theirs sent to a path below it. */
export const WEBHOOK_PATH = '/webhooks/paytech';

/** Of chargebacks: in what they say, a state is not the payment's. */
export const CHARGEBACK_PATH = `${WEBHOOK_PATH}/chargebacks`;

/** The URL for chargebacks, beside that for payments. Throws where there is none: their states must not be mixed up. */
export function chargebackUrl(webhookUrl: string): string {
  const at = webhookUrl.lastIndexOf(WEBHOOK_PATH);
  if (at < 0) throw new Error(`no webhook URL of this service: ${webhookUrl}`);
  return webhookUrl.slice(0, at) + CHARGEBACK_PATH;
}
