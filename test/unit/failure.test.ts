import { afterEach, expect, test, vi } from 'vitest';
import { messageOf } from '../../infra/cli/failure.ts';

afterEach(() => vi.unstubAllEnvs());

test('where nobody listens, what is meant to listen is named', () => {
  const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
  vi.stubEnv('AWS_ENDPOINT_URL', undefined);
  expect(messageOf(refused)).toMatch(/local run running \(npm start\), or is --stack missing/);
  vi.stubEnv('AWS_ENDPOINT_URL', 'https://localhost:4566');
  expect(messageOf(refused)).toMatch(/what AWS_ENDPOINT_URL names still running/);
});
