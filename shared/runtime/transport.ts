import https from 'node:https';

/**
 * How a call ended, as far as the wire shows:
 * - `answered`: with an HTTP answer.
 * - `failed`: without one; the peer may have read all of the request.
 * - `not-sent`: no byte of the request has left this process.
 */
export type Transported =
  | { ended: 'answered'; status: number; contentType: string; text: string }
  | { ended: 'failed' | 'not-sent'; reason: string };

export interface TransportRequest {
  method: 'GET' | 'POST' | 'PATCH';
  url: URL;
  headers: Record<string, string>;
  body?: string;
  /** Milliseconds for the whole call: connecting, sending and the last byte of the answer. */
  limitMs: number;
  /**
   * Whether an earlier call's connection may serve. On one that the peer has just closed it is unknown whether
   * the request arrived: only for calls that may be made twice.
   */
  reuseConnection?: boolean;
}

const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/** One HTTP call that follows no redirect, on one connection. Never rejects. */
export async function send(request: TransportRequest): Promise<Transported> {
  try {
    return await call(request);
  } catch (error) {
    // A header that HTTP cannot carry, for one: Node throws before it opens a connection.
    return { ended: 'not-sent', reason: (error as Error).message };
  }
}

function call(request: TransportRequest): Promise<Transported> {
  return new Promise((resolve) => {
    let isConnected = false;
    const fail = (reason: string) => resolve({ ended: isConnected ? 'failed' : 'not-sent', reason });
    const { protocol } = request.url;
    const options = {
      method: request.method,
      agent: request.reuseConnection ? keepingAgent(protocol) : false,
      headers: {
        ...request.headers,
        ...(request.body === undefined ? {} : { 'content-length': Buffer.byteLength(request.body) }),
      },
      signal: AbortSignal.timeout(request.limitMs),
    };
    const outgoing = moduleFor(protocol).request(request.url, options, (answer) => {
      const chunks: Buffer[] = [];
      let size = 0;
      answer.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_ANSWER_BYTES) return answer.destroy(new Error('answer too large'));
        chunks.push(chunk);
      });
      answer.on('error', (error) => fail(error.message));
      answer.on('close', () => fail('connection closed'));
      answer.on('end', () =>
        resolve({
          ended: 'answered',
          status: answer.statusCode ?? 0,
          contentType: answer.headers['content-type'] ?? '',
          text: Buffer.concat(chunks).toString('utf8'),
        }),
      );
    });
    // Node keeps what is written back until the connection stands, with TLS until it is encrypted.
    outgoing.on('socket', (socket) => {
      const connected = () => {
        isConnected = true;
      };
      if (socket.connecting) socket.once(protocol === 'http:' ? 'connect' : 'secureConnect', connected);
      else connected();
    });
    outgoing.on('error', (error) => fail(error.name === 'AbortError' ? 'timeout' : error.message));
    outgoing.end(request.body);
  });
}

/** Not imported as usual: that would load all of undici, a fifth of a cold start, for tests and the local run. */
function moduleFor(protocol: string) {
  return protocol === 'http:' ? process.getBuiltinModule('node:http') : https;
}

const keepingAgents = new Map<string, https.Agent>();

function keepingAgent(protocol: string): https.Agent {
  const agent = keepingAgents.get(protocol) ?? new (moduleFor(protocol).Agent)({ keepAlive: true });
  keepingAgents.set(protocol, agent as https.Agent);
  return agent as https.Agent;
}
