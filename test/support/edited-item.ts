/** Payments as if time had gone by, or somebody else had written them. */
import { type AttributeValue, type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { HOUR_MS, SECOND_MS } from '../../shared/runtime/time.ts';

/** `service` is asked for at each call, since a test starts it later. */
export function editedItems(
  service: () => { dynamo: DynamoDBClient; item(pk: string): Promise<Record<string, unknown> | undefined> },
) {
  const set = (id: string, attribute: string, value: AttributeValue, names?: Record<string, string>) =>
    service().dynamo.send(
      new UpdateItemCommand({
        TableName: 'payments',
        Key: { pk: { S: `payment#${id}` } },
        UpdateExpression: `SET ${attribute} = :value`,
        ExpressionAttributeNames: names,
        ExpressionAttributeValues: { ':value': value },
      }),
    );

  /** So that it is time for a look: of reconcile (`dueAt`), or of a reader (`checkedAt`). */
  const longAgo = (attribute: 'dueAt' | 'checkedAt', id: string) => set(id, attribute, { N: '1' });

  /** As if it had been final for almost as long as payments are kept. */
  const forgottenSoon = (id: string) =>
    set(id, 'expiresAt', { N: String(Math.ceil(Date.now() / SECOND_MS) + 600) });

  /** Now it has been in its state for so long, and is due. */
  async function waitingFor(hours: number, id: string): Promise<void> {
    const { history } = (await service().item(`payment#${id}`)) as { history: unknown[] };
    const at = new Date(Date.now() - hours * HOUR_MS).toISOString();
    await set(id, `history[${history.length - 1}].#at`, { S: at }, { '#at': 'at' });
    await longAgo('dueAt', id);
  }

  return { set, longAgo, forgottenSoon, waitingFor };
}
