/** What a customer gets who pays without the hosted page: the `externalRefs` of a host-to-host deposit. */
import type { Payment } from './payment.ts';

const METHOD_NAMES: Record<string, string> = { BANKTRANSFER: 'bank transfer' };

/** An example of the IBAN registry; nobody's. */
const BANK_ACCOUNT = { accountName: 'Simulated shop', iban: 'GB33 BUKB 2020 1555 5555 55', bic: 'BUKBGB22' };

/** paytech's QR codes are data URIs of 2 to 20 KB. */
const QR_BYTES: Record<string, number> = { PIX: 3 * 1024, UPI: 18 * 1024 };

export function instructionsFor({ id, request: { paymentMethod = '' } }: Payment): Record<string, string> {
  const reference = `SIM-${id.slice(0, 8).toUpperCase()}`;
  const qrBytes = QR_BYTES[paymentMethod];
  return {
    ...(paymentMethod === 'BANKTRANSFER' && BANK_ACCOUNT),
    reference,
    instructions: `Pay by ${METHOD_NAMES[paymentMethod] ?? (paymentMethod || 'bank transfer')} and quote the reference.`,
    ...(qrBytes !== undefined && { qrCode: qrCode(reference, qrBytes) }),
  };
}

/** Nothing that a camera could read: a data URI of as many characters. */
function qrCode(text: string, length: number): string {
  const start = 'data:image/png;base64,';
  const pixels = Buffer.from(text.repeat(Math.ceil(length / text.length))).toString('base64');
  return start + pixels.slice(0, Math.floor((length - start.length) / 4) * 4);
}
