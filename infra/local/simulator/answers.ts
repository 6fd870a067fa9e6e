/** JSON in and out with exact numbers, and the shape of paytech's answers and errors. */
import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyInstance, FastifyRequest } from 'fastify';
import { parseJson, stringifyJson } from '../../../shared/payment/json.ts';
import { Refusal } from './refusal.ts';

/** Numbers of a JSON body become Decimals, and Decimals are written with all their digits. */
export function useExactJson(app: FastifyInstance): void {
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, readJson);
  app.setReplySerializer(stringifyJson);
}

async function readJson(_request: FastifyRequest, text: string): Promise<unknown> {
  if (text === '') return undefined;
  try {
    return parseJson(text);
  } catch {
    throw new Refusal('invalid', 'Malformed JSON');
  }
}

/** Refusals and Fastify's own errors become paytech's error body. */
export function useErrorBodies(app: FastifyInstance, wrongStateStatus: number): void {
  const statusOf = { invalid: 400, unknown: 404, 'wrong-state': wrongStateStatus };
  app.setErrorHandler<FastifyError | Refusal>((error, request, reply) => {
    const status = error instanceof Refusal ? statusOf[error.reason] : (error.statusCode ?? 500);
    const body = errorBody(status, error.message, request.url);
    return reply.code(status).send(error instanceof Refusal ? { ...body, ...fieldErrors(error) } : body);
  });
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send(errorBody(404, 'No such resource', request.url)),
  );
}

export function envelope(result: unknown) {
  return { timestamp: timestamp(), status: 200, result };
}

export function errorBody(status: number, message: string, url: string) {
  const [path] = url.split('?');
  return { timestamp: timestamp(), status, error: STATUS_CODES[status], message, path };
}

function fieldErrors({ fields }: Refusal) {
  if (fields.length === 0) return {};
  const objectName = 'paymentRequest';
  const errors = fields.map(({ field, message }) => ({
    field,
    defaultMessage: message,
    codes: [`Invalid.${objectName}.${field}`, `Invalid.${field}`, 'Invalid'],
    objectName,
    bindingFailure: false,
  }));
  return { errors };
}

function timestamp(): string {
  return new Date().toISOString().replace('Z', '+00:00');
}
