/**
 * The custom domain of the rehearsed API: passes each request on to the emulator, which knows an API by its host.
 * A signature is made for that host, as it is on AWS for whatever host a caller names. Requests beyond a few wait,
 * since the emulator starts a process for each one that comes at the same time.
 */
import { Agent as HttpAgent, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { openServer } from '../local/http-server.ts';

export interface Front {
  url: string;
  /** Begins to pass on; until then every request is answered with 503. */
  serve(upstream: Upstream): void;
  close(): Promise<void>;
}

export interface Upstream {
  endpoint: string;
  /** That of the certificate to trust. */
  ca?: Buffer;
  host: string;
}

const AT_ONCE = 6;

export async function openFront(): Promise<Front> {
  const server = await openServer(0);
  return {
    url: server.url,
    close: server.close,
    serve: ({ endpoint, ca, host }) => {
      const target = new URL(endpoint);
      const isHttps = target.protocol === 'https:';
      const send = isHttps ? requestHttps : requestHttp;
      const agent = new (isHttps ? HttpsAgent : HttpAgent)({ maxSockets: AT_ONCE });
      server.serve(
        (request, response) =>
          new Promise((resolve, reject) => {
            const { hostname, port } = target;
            const { method, url: path, headers } = request;
            const options = {
              agent,
              hostname,
              port,
              method,
              path,
              headers: { ...headers, host },
              // The certificate is not one for the API's host.
              ...(ca && { ca, servername: 'localhost' }),
            };
            const passedOn = send(options, (answer) => {
              response.writeHead(answer.statusCode ?? 502, answer.headers);
              answer.pipe(response).once('finish', resolve);
              answer.once('error', reject);
            });
            passedOn.once('error', reject);
            request.pipe(passedOn);
          }),
      );
    },
  };
}
