import type { LambdaClient } from '@aws-sdk/client-lambda';
import { withinLimits } from './aws-limits.ts';
import { env } from './config.ts';

/** Starts a function with an event and does not wait for its end: returns once Lambda has the event. */
export type StartFunction = (event: object) => Promise<void>;

/** Starts the function that calls it once more. */
export function selfStarter(): StartFunction {
  let client: LambdaClient | undefined;
  return async (event) => {
    // Loaded when it is used: most runs start nothing.
    const { InvokeCommand, LambdaClient } = await import('@aws-sdk/client-lambda');
    client ??= new LambdaClient(withinLimits);
    await client.send(
      new InvokeCommand({
        FunctionName: env('AWS_LAMBDA_FUNCTION_NAME'),
        InvocationType: 'Event',
        Payload: Buffer.from(JSON.stringify(event)),
      }),
    );
  };
}
