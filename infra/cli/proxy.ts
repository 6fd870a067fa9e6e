/** paytech-ops behind a proxy. Node of itself asks none before 22.21 and 24.5, and the AWS SDK in no version. */
import type { defaultProvider } from '@aws-sdk/credential-provider-node';
import type { FetchHttpHandler } from '@smithy/fetch-http-handler';
import { optional } from '../../shared/payment/payment.ts';

/** What an AWS client is made with. */
interface Proxied {
  requestHandler?: FetchHttpHandler;
  credentials?: ReturnType<typeof defaultProvider>;
}

/** As curl takes them: the small name before the capital one, and also without `http://`. */
function proxies() {
  const named = (name: string) => {
    const address = process.env[name] || process.env[name.toUpperCase()] || undefined;
    return address?.replace(/^(?!\w+:\/\/)/, 'http://');
  };
  return { ...optional('httpProxy', named('http_proxy')), ...optional('httpsProxy', named('https_proxy')) };
}

/** The proxy that `HTTPS_PROXY` or `HTTP_PROXY` names, without the password that may be in it. */
export function proxyName(): string | undefined {
  const { httpProxy, httpsProxy = httpProxy } = proxies();
  return httpsProxy && (URL.parse(httpsProxy)?.host ?? 'that is no URL');
}

/**
 * From here on `fetch` and the AWS clients that are made with the answer go through the proxy, except to the hosts
 * of `NO_PROXY`; without a proxy nothing changes. Of a profile the sign-in (SSO, roles) goes through it, too.
 */
export async function throughProxy(profile?: string): Promise<Proxied> {
  if (proxyName() === undefined) return {};
  const [undici, { FetchHttpHandler }, { defaultProvider }] = await Promise.all([
    import('undici'),
    import('@smithy/fetch-http-handler'),
    import('@aws-sdk/credential-provider-node'),
  ]);
  // The fetch of Node's own version may not know the agent of this one.
  undici.install();
  undici.setGlobalDispatcher(new undici.EnvHttpProxyAgent(proxies()));
  const requestHandler = new FetchHttpHandler();
  const credentials = defaultProvider({ ...(profile && { profile }), clientConfig: { requestHandler } });
  return { requestHandler, credentials };
}
