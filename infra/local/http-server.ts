/** The small HTTP servers of this machine: loopback only, closed at once. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export interface LoopbackServer {
  url: string;
  close(): Promise<void>;
}

/** Binds to 127.0.0.1; port 0 takes a free one. Rejects with EADDRINUSE when the port is taken. */
export async function listenOnLoopback(server: Server, port: number): Promise<LoopbackServer> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A server whose URL is known before what it serves: until `serve` it answers 503. */
export async function openServer(
  port: number,
): Promise<LoopbackServer & { serve(handler: RequestHandler): void }> {
  let handler: RequestHandler = async (_request, response) =>
    sendJson(response, 503, { message: 'Starting' });
  const server = createServer((request, response) => {
    handler(request, response).catch((error) => {
      const hasClientGone = error.code === 'ECONNRESET';
      if (!hasClientGone) console.error(error);
      response.destroy();
    });
  });
  const listening = await listenOnLoopback(server, port);
  return {
    ...listening,
    serve: (next) => {
      handler = next;
    },
  };
}

/** The whole body, or undefined when it is longer than `limit` bytes. */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    // The rest is still read, so that the client gets its answer instead of a reset connection.
    if (length <= limit) chunks.push(chunk);
  }
  return length <= limit ? Buffer.concat(chunks) : undefined;
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
