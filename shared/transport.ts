import https from 'node:https';

/** How a call ended, as far as the wire tells: with an HTTP answer, or without one. */
export type Transported =
  | { ended: 'answered'; status: number; contentType: string; text: string }
  | { ended: 'failed'; reason: string };

export interface TransportRequest {
  method: 'GET' | 'POST' | 'PATCH';
  url: URL;
  headers: Record<string, string>;
  body?: string;
  /** Milliseconds for the whole call: connecting, sending and the last byte of the answer. */
  limitMs: number;
  /**
   * Whether an earlier call's connection may serve. On one that the peer has just closed nobody can tell whether
   * the request arrived: only for calls that may be made twice.
   */
  reuseConnection?: boolean;
}

const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/** One HTTP call that never throws and follows no redirect. */
export function send(request: TransportRequest): Promise<Transported> {
  return new Promise((resolve) => {
    const fail = (reason: string) => resolve({ ended: 'failed', reason });
    const { protocol } = request.url;
    const call = moduleFor(protocol).request(
      request.url,
      {
        method: request.method,
        agent: request.reuseConnection ? keepingAgent(protocol) : false,
        headers: {
          ...request.headers,
          ...(request.body === undefined ? {} : { 'content-length': Buffer.byteLength(request.body) }),
        },
        signal: AbortSignal.timeout(request.limitMs),
      },
      (answer) => {
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
      },
    );
    call.on('error', (error) => fail(error.name === 'AbortError' ? 'timeout' : error.message));
    call.end(request.body);
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
