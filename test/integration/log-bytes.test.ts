import { expect, it } from 'vitest';
import type { LOGGED } from '../../infra/stack/access-logs.ts';
import { USES } from '../../infra/stack/cost.ts';
import { countedWorld } from '../support/counted-world.ts';

/** What one payment writes into the logs: our lines as they are logged, those of AWS as its documentation has them. */

const counted = countedWorld();

/** What CloudWatch adds to each line. Source: CloudWatch, "Pricing". */
const BYTES_PER_LINE = 26;

const ID = '6f747dbb-4c93-4d7b-a3c5-1f2e3d4c5b6a';
const TIME = '2026-11-23T12:00:00.343Z';

/** Of one invocation. Source: AWS Lambda, "Lambda Telemetry API Event schema reference". */
const OF_LAMBDA = [
  { time: TIME, type: 'platform.start', record: { requestId: ID, version: '$LATEST' } },
  {
    time: TIME,
    type: 'platform.report',
    record: {
      requestId: ID,
      metrics: { durationMs: 342.917, billedDurationMs: 343, memorySizeMB: 1024, maxMemoryUsedMB: 98 },
      tracing: { spanId: '1a2b3c4d5e6f7081', type: 'X-Amzn-Trace-Id', value: `Root=1-${ID};Sampled=0` },
      status: 'success',
    },
  },
];

/** Of one request, with what API Gateway has of an ordinary one. */
const OF_THE_API: Record<keyof typeof LOGGED, string> = {
  requestId: 'JKJaXmPLvHcESHA=',
  time: '1795435200343',
  route: 'POST /webhooks/paytech/{key}',
  status: '200',
  latency: '343',
  caller: '-',
  integrationStatus: '200',
  integrationLatency: '340',
  integrationError: '-',
  gatewayError: '-',
};

it('is as much as its cost is reckoned by', async () => {
  await counted.paid();
  const bytesOf = (lines: string[]) =>
    lines.reduce((sum, line) => sum + Buffer.byteLength(line.trim()) + BYTES_PER_LINE, 0);
  const ours = counted.counted.lines;
  expect(ours.map((line) => JSON.parse(line).message)).toEqual(['webhook queued', 'event processed']);
  const bytes =
    bytesOf(ours) +
    USES.invocations * bytesOf(OF_LAMBDA.map((line) => JSON.stringify(line))) +
    USES.apiRequests * bytesOf([JSON.stringify(OF_THE_API)]);
  const roundedUp = Math.ceil(bytes / 500) / 2;
  expect(roundedUp).toBe(USES.logKilobytes);
});
