import { gatewayClient } from '../../shared/paytech/client.ts';

/** The real client in processes that cannot send: by what keeps them from it. Nobody listens at port 9. */
export const CUT_OFF = {
  'the key holds an invisible character': withKey(async () => 'key\u200b'),
  'the key cannot be had': withKey(() => Promise.reject(new Error('AccessDeniedException'))),
  'paytech cannot be reached': withKey(async () => 'key'),
};

function withKey(get: () => Promise<string>) {
  return gatewayClient({ baseUrl: 'http://127.0.0.1:9', apiKey: { get, refreshed: async () => undefined } });
}
