import { type HttpEvent, header, type Reply, rawBody } from '../../shared/http/api.ts';
import { Problem } from '../../shared/http/problem.ts';
import { CHARGEBACK_PATH } from '../../shared/http/webhook-paths.ts';
import type { EventQueue } from '../../shared/messaging/event-queue.ts';
import { verify } from '../../shared/paytech/signature.ts';
import type { Logger } from '../../shared/runtime/logger.ts';
import type { Secret } from '../../shared/runtime/secrets.ts';

/** More than any payment object needs, and with base64 well within SQS's limit of 1 MiB. */
export const MAX_WEBHOOK_BYTES = 256 * 1024;

export const CHARGEBACK_ROUTE = `POST ${CHARGEBACK_PATH}`;

export interface ReceiveWebhookDependencies {
  signingKeys: Secret<string[]>;
  queue: EventQueue;
  now: () => Date;
  logger: Pick<Logger, 'info' | 'warn'>;
}

/**
 * Answers 200 once the webhook is durably queued, and only then: paytech sends again whatever we did not
 * acknowledge. Nothing but the signature is looked at; what the bytes mean is judged behind the queue.
 */
export function receiveWebhook({ signingKeys, queue, now, logger }: ReceiveWebhookDependencies) {
  return async (event: HttpEvent): Promise<Reply> => {
    const bytes = rawBody(event);
    if (bytes.length > MAX_WEBHOOK_BYTES) {
      throw new Problem('webhook.too_large', `A webhook has at most ${MAX_WEBHOOK_BYTES} bytes.`);
    }
    const given = header(event, 'signature');
    const signature =
      verify(bytes, given, await signingKeys.get()) || (await verifyWithNewKeys(bytes, given));
    if (!signature) {
      logger.warn('webhook refused', { metric: 'WebhookSignatureInvalid', bytes: bytes.length });
      throw new Problem('webhook.signature_invalid', 'Sign the raw body with the shop signing key.');
    }
    const { requestId, routeKey } = event.requestContext;
    const about = routeKey === CHARGEBACK_ROUTE ? { about: 'chargeback' as const } : {};
    const receivedAt = now().toISOString();
    await queue.send({ ...about, bytes, source: 'webhook', receivedAt, requestId, signature });
    logger.info('webhook queued', { bytes: bytes.length, key: signature.key, encoding: signature.encoding });
    return { status: 200, body: { received: true } };
  };

  /** The key may have been rotated since the keys were fetched. */
  async function verifyWithNewKeys(bytes: Buffer, signature: string | undefined) {
    const keys = await signingKeys.refreshed();
    return keys ? verify(bytes, signature, keys) : false;
  }
}
