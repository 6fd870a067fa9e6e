import { isPublished, publicationOf } from '../../shared/payment/cloud-event.ts';
import { readPayment } from '../../shared/store/payments.ts';
import type { Environment } from './environment.ts';
import { Failure } from './failure.ts';
import { count, type Result } from './output.ts';

/** `replay <id>`: publishes a payment's events again, made from its history: the same ids, the same bytes. */
export async function replay(
  { table, publisher, eventSource }: Environment,
  id: string,
  version: number | undefined,
): Promise<Result> {
  const record = await readPayment(table, id);
  if (!record)
    throw new Failure(
      `There is no record of payment ${id}. Name it by paytech's id, which "paytech-ops show <reference>" prints.`,
    );
  const published = record.history.map((_, index) => index + 1).filter((each) => isPublished(record, each));
  const wanted = version === undefined ? published : published.filter((each) => each === version);
  if (version !== undefined && wanted.length === 0) {
    const which = published.length > 0 ? `: ${published.join(', ')}` : '; it has none that was';
    throw new Failure(`Version ${version} of payment ${id} was never published${which}.`);
  }

  const publications = wanted.map((each) => publicationOf(record, each, eventSource));
  const failed = await publisher.publish(publications);
  const events = publications.map(({ id, attributes }) => {
    const reason = failed.get(id);
    return {
      id,
      type: attributes.type,
      published: reason === undefined,
      ...(reason !== undefined && { reason }),
    };
  });
  const lines = events.map(
    ({ id, type, reason }) => `  ${id}  ${type}${reason ? `  not published: ${reason}` : ''}`,
  );
  return {
    document: { events },
    text: [`${count(events.length - failed.size, 'event')} published.`, ...lines].join('\n'),
    failed: failed.size > 0,
  };
}
