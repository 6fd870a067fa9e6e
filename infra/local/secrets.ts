/** As much of Secrets Manager as a function uses: GetSecretValue, by ARN or by name. */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ACCOUNT, REGION } from './account.ts';
import { forCallersHere } from './callers.ts';
import { type LoopbackServer, openServer, readBody, sendJson } from './http-server.ts';

/** The values by the secret's name (its construct id in the stack); changing one rotates it. */
export type Secrets = Map<string, string>;

const MAX_REQUEST_BYTES = 64 * 1024;

export async function startSecretsManager(secrets: Secrets): Promise<LoopbackServer> {
  const server = await openServer(0);
  server.serve(forCallersHere((request, response) => answer(request, response, secrets)));
  return server;
}

async function answer(request: IncomingMessage, response: ServerResponse, secrets: Secrets): Promise<void> {
  const body = await readBody(request, MAX_REQUEST_BYTES);
  if (request.headers['x-amz-target'] !== 'secretsmanager.GetSecretValue') {
    return sendJson(response, 400, {
      __type: 'InvalidRequestException',
      message: 'Only GetSecretValue is here.',
    });
  }
  const { SecretId } = JSON.parse(body?.toString() ?? '{}') as { SecretId?: string };
  const name = SecretId?.split(':secret:').at(-1) ?? '';
  const value = secrets.get(name);
  if (value === undefined) {
    const message = "Secrets Manager can't find the specified secret.";
    return sendJson(response, 400, { __type: 'ResourceNotFoundException', message });
  }
  sendJson(response, 200, {
    ARN: `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:${name}`,
    Name: name,
    SecretString: value,
    VersionId: createHash('sha256').update(value).digest('hex').slice(0, 32),
    VersionStages: ['AWSCURRENT'],
    CreatedDate: Date.now() / 1000,
  });
}
