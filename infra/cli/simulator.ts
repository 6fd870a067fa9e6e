import { SECOND_MS } from '../../shared/runtime/time.ts';
import type { Environment } from './environment.ts';
import { Failure } from './failure.ts';

const LIMIT_MS = 10 * SECOND_MS;

interface Refused {
  message?: string;
  errors?: { field: string; defaultMessage: string }[];
}

/**
 * Calls a control of the local run's simulator; `path` begins after `/simulator`. Of the answer no amount is read.
 * @throws Failure with the simulator's words where it refuses
 */
export async function control<Answer>(
  { paytechUrl }: Pick<Environment, 'paytechUrl'>,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: object,
): Promise<Answer> {
  const response = await fetch(`${paytechUrl}/simulator${path}`, {
    method,
    signal: AbortSignal.timeout(LIMIT_MS),
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  const isJson = response.headers.get('content-type')?.startsWith('application/json');
  if (response.status !== 204 && !isJson)
    throw new Failure(
      `What answers at ${paytechUrl} is not the simulator of the local run: see PAYTECH_PORT.`,
    );
  const answer = response.status === 204 ? undefined : await response.json();
  if (response.ok) return answer as Answer;
  throw new Failure(
    `The simulator refuses it: ${wordsOf(answer as Refused)}`,
    response.status === 400 ? 2 : 1,
  );
}

function wordsOf({ message = 'it does not say why', errors = [] }: Refused): string {
  return errors.map(({ field, defaultMessage }) => `${field}: ${defaultMessage}`).join('; ') || message;
}
