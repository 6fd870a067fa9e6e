/**
 * The proxy that HTTPS_PROXY names, for all that paytech-ops calls over https: AWS, its sign-in, paytech and the
 * stack's API. Node does so by itself from 22.21 and 24.5 on, on request only (NODE_USE_ENV_PROXY) and not for agents
 * that others make, as the AWS SDK does: so the way by which every agent connects is changed, in this process.
 */
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { SECOND_MS } from '../../shared/runtime/time.ts';
import { Failure } from './failure.ts';

/** A request whose connection does not stand yet cannot be given up before it does, or fails. */
const LIMIT_MS = 5 * SECOND_MS;

interface Target {
  host?: string | null;
  port?: string | number | null;
}
type Connected = (error: Error | null, socket?: Socket) => void;
type Connect = (this: https.Agent, target: Target & object, connected?: Connected) => Socket | undefined;

/**
 * From now on https goes through the proxy of the environment, where there is one; https_proxy and no_proxy come before
 * the names in capitals. Returns how it is undone.
 * @throws Failure where the proxy is no http or https URL
 */
export function useProxyOf(env: NodeJS.ProcessEnv, limitMs = LIMIT_MS): () => void {
  const given = env.https_proxy || env.HTTPS_PROXY;
  if (!given) return () => {};
  const proxy = proxyUrl(given);
  const without = env.no_proxy ?? env.NO_PROXY ?? '';
  const prototype = https.Agent.prototype as unknown as { createConnection: Connect };
  const { createConnection } = prototype;
  prototype.createConnection = function (target, connected) {
    const [host, port] = [target.host ?? 'localhost', String(target.port ?? 443)];
    if (!connected || isReachedDirectly(host, port, without))
      return createConnection.call(this, target, connected);
    const encrypt = (socket: Socket) => {
      const encrypted = createConnection.call(this, { ...target, socket }) as TLSSocket;
      encrypted.once('error', connected);
      // Only then a request may leave: one that could not be sent is known not to have been.
      encrypted.once('secureConnect', () => {
        encrypted.off('error', connected);
        connected(null, encrypted);
      });
    };
    tunnel(proxy, `${host.includes(':') ? `[${host}]` : host}:${port}`, limitMs, encrypt, connected);
    return undefined;
  };
  return () => {
    prototype.createConnection = createConnection;
  };
}

/** RFC 9110, 9.3.6. */
function tunnel(
  proxy: URL,
  path: string,
  limitMs: number,
  opened: (socket: Socket) => void,
  failed: Connected,
): void {
  const { username, password } = proxy;
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const authorization = username
    ? { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` }
    : {};
  const { request } = proxy.protocol === 'https:' ? https : http;
  const asked = request({
    // An address of its own, without the credentials, which Node would send as `authorization`.
    protocol: proxy.protocol,
    hostname: proxy.hostname.replace(/^\[|\]$/g, ''),
    port: proxy.port,
    method: 'CONNECT',
    path,
    agent: false,
    headers: { host: path, ...authorization },
    signal: AbortSignal.timeout(limitMs),
  });
  const refused = (why: string) => failed(new Error(`the proxy ${proxy.host} ${why}`));
  asked.once('connect', ({ statusCode = 0 }, socket) => {
    if (statusCode >= 200 && statusCode < 300) return opened(socket as Socket);
    socket.destroy();
    refused(`answers HTTP ${statusCode} for ${path}`);
  });
  // Whatever else it is, it is no proxy.
  asked.once('response', (answer) => {
    answer.destroy();
    refused(`answers HTTP ${answer.statusCode} for ${path}`);
  });
  asked.once('error', ({ name, message }) =>
    refused(name === 'AbortError' ? 'does not answer' : `cannot be reached (${message})`),
  );
  asked.end();
}

function proxyUrl(text: string): URL {
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (url && ['http:', 'https:'].includes(url.protocol)) return url;
  throw new Failure('HTTPS_PROXY must be a URL such as http://proxy.example:3128.', 2);
}

/** A name stands for itself and what is under it, with `:port` for that port only; `*` for all. As curl does. */
function isReachedDirectly(host: string, port: string, without: string): boolean {
  return without.split(/[\s,]+/).some((each) => {
    const [, name = '', onPort] = /^(.*?)(?::(\d+))?$/.exec(each.toLowerCase().replace(/^\*?\./, '')) ?? [];
    if (name === '*') return true;
    return name !== '' && (!onPort || onPort === port) && `.${host.toLowerCase()}`.endsWith(`.${name}`);
  });
}
