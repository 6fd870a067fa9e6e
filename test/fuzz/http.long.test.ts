import { Agent, request as open } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { LOCAL_KEYS } from '../../infra/local/account.ts';
import { sign } from '../../shared/paytech/signature.ts';
import { forEachOf } from '../../shared/runtime/concurrency.ts';
import { validatorOf } from '../support/openapi.ts';
import { startLocalService } from '../support/service.ts';
import { signedHeaders } from '../support/signed.ts';
import { PLANTED } from './from-schema.ts';
import { HTTP_INPUTS, seed } from './inputs.ts';
import { document, type FuzzRequest, ROUTES, requestsFor } from './requests.ts';

/** Bad input over HTTP, through the bundles that deploy: documented answers, and every process lives on. */

type Answer = { status: number; headers: Headers; text: string };

const WIDTH = 6;
/** What API Gateway answers itself, in its own form. */
const GATEWAYS_OWN = new Set([400, 403, 404, 413]);
const WEBHOOK = 'POST /webhooks/paytech';

let service: Awaited<ReturnType<typeof startLocalService>>;
const agent = new Agent({ keepAlive: true, maxSockets: WIDTH });
const validate = validatorOf(document);
beforeAll(async () => {
  service = await startLocalService();
});
afterAll(async () => {
  agent.destroy();
  await service.stop();
});

/** Whole requests that no library would send; `headers` may name one twice. */
function send(method: string, path: string, headers: [string, string][], body: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(service.apiUrl);
    const call = open({
      agent,
      hostname,
      port,
      method,
      path,
      headers: [...headers.flat(), 'content-length', String(body.length)],
    });
    call.on('error', reject);
    call.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const given = Object.entries(response.headers).map(([name, value]): [string, string] => [
          name,
          String(value),
        ]);
        resolve({
          status: response.statusCode ?? 0,
          headers: new Headers(given),
          text: Buffer.concat(chunks).toString(),
        });
      });
    });
    call.end(body);
  });
}

function pathOf({ route, at, query }: FuzzRequest): string {
  const [, template = ''] = route.split(' ');
  const path = template.replace(/\{(\w+)\}/g, (_match, name: string) => encoded(at[name] ?? ''));
  const search = Object.entries(query).map(([name, value]) => `${encoded(name)}=${encoded(value)}`);
  return search.length > 0 ? `${path}?${search.join('&')}` : path;
}

/** What is encoded already stays as it is, badly or not. */
function encoded(text: string): string {
  return text.startsWith('%')
    ? encodeURI(text).replaceAll('%25', '%')
    : encodeURIComponent(text.toWellFormed());
}

async function headersOf(request: FuzzRequest, path: string): Promise<[string, string][]> {
  const { route, body, contentType, encoding } = request;
  const [method = ''] = route.split(' ');
  const headers: [string, string][] = [['host', new URL(service.apiUrl).host]];
  if (contentType) headers.push(['content-type', contentType]);
  if (encoding === 'lied')
    headers.push(['content-type', 'text/plain'], ['__proto__', 'x'], ['x-twice', '1'], ['x-twice', '2']);
  if (route === WEBHOOK) {
    const right = sign(body, LOCAL_KEYS.signingKey);
    if (encoding === 'text') headers.push(['signature', right]);
    if (encoding === 'lied') headers.push(['signature', right], ['Signature', right]);
  }
  if (route.includes('/operations')) {
    headers.push(
      ...Object.entries(await signedHeaders(service, method, path, body.toString())).filter(
        ([name]) => name !== 'content-type',
      ),
    );
  }
  return headers;
}

it('answers bad input as documented, and no process dies of it', async () => {
  const known = await Promise.all(
    Array.from({ length: 8 }, async (_, index) => {
      const body = `{"referenceId":"known-${index}","amount":10,"currency":"EUR"}`;
      return (await service.api('POST', '/payments', body)).json().id as unknown as string;
    }),
  );
  const requests = ROUTES.flatMap((route) =>
    fc.sample(requestsFor(route, known), { numRuns: Math.ceil(HTTP_INPUTS / ROUTES.length), ...seed }),
  );
  const wrong: string[] = [];
  let acknowledged = 0;
  let created = known.length;
  await forEachOf(requests, WIDTH, async (request) => {
    const { route } = request;
    const path = pathOf(request);
    const answer = await send(
      route.split(' ')[0] as string,
      path,
      await headersOf(request, path),
      request.body,
    );
    if (route === WEBHOOK && answer.status === 200) acknowledged++;
    if (answer.status === 201) created++;
    const fault = validate.answer(route, answer);
    const isGateways = GATEWAYS_OWN.has(answer.status) && /^\{"message":"[^"]*"\}$/.test(answer.text);
    if (answer.status >= 500 || (fault && !isGateways)) {
      wrong.push(
        `${route} ${path.slice(0, 100)} ${answer.status} ${answer.text.slice(0, 300)}: ${fault}\n${request.body.toString().slice(0, 300)}`,
      );
    }
  });
  expect(wrong).toEqual([]);

  // What was acknowledged comes to an end, and what was refused has made nothing.
  await vi.waitFor(async () => expect(await service.depth('webhooks')).toBe(0), {
    timeout: 60_000,
    interval: 200,
  });
  const messages = service.logs.filter((line) => /"webhook queued"/.test(line));
  expect(messages.length).toBeGreaterThanOrEqual(acknowledged);
  const ended = service.logs.filter(
    (line) =>
      /"(event processed|message parked)"/.test(line) &&
      !/"source":"(refresh|operation|reconcile)"/.test(line),
  );
  expect(ended.length).toBeGreaterThanOrEqual(messages.length);
  expect(JSON.parse((await service.simulator('GET', '/simulator/payments')).text)).toHaveLength(created);

  const logs = service.logs.join('\n');
  expect(logs).not.toContain(PLANTED);
  expect(logs).not.toMatch(/The worker exited|Task timed out|unexpected error/);
  expect((await service.api('GET', `/payments/${known[0]}`)).status).toBe(200);
});
