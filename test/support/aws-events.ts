/** Events as AWS sends them, with the fields of the samples in aws-sam-cli (`sam local generate-event`). */
import type { SQSRecord } from 'aws-lambda';

/** `apigateway http-api-proxy`: payload format 2.0. */
export function httpApiEvent(
  routeKey: string,
  {
    path,
    body,
    headers = {},
    pathParameters,
  }: {
    path: string;
    body?: string | Buffer;
    headers?: Record<string, string>;
    pathParameters?: Record<string, string>;
  },
) {
  const [method] = routeKey.split(' ');
  return {
    version: '2.0',
    routeKey,
    rawPath: path,
    rawQueryString: '',
    cookies: ['cookie1', 'cookie2'],
    headers: { 'content-type': 'application/json', ...headers },
    requestContext: {
      accountId: '123456789012',
      apiId: 'api-id',
      ...(path.startsWith('/operations') && {
        authorizer: {
          iam: {
            accessKey: 'ASIAEXAMPLE',
            accountId: '123456789012',
            callerId: 'AROAEXAMPLE:clerk',
            cognitoIdentity: null,
            principalOrgId: null,
            userArn: 'arn:aws:sts::123456789012:assumed-role/back-office/clerk',
            userId: 'AROAEXAMPLE:clerk',
          },
        },
      }),
      domainName: 'id.execute-api.us-east-1.amazonaws.com',
      domainPrefix: 'id',
      http: { method, path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'agent' },
      requestId: 'JKJaXmPLvHcESHA=',
      routeKey,
      stage: '$default',
      time: '12/Mar/2020:19:03:58 +0000',
      timeEpoch: 1_583_348_638_390,
    },
    ...(pathParameters && { pathParameters }),
    ...(body !== undefined && {
      body: Buffer.isBuffer(body) ? body.toString('base64') : body,
    }),
    isBase64Encoded: Buffer.isBuffer(body),
  };
}

/** `sqs receive-message` */
export function sqsRecord(messageId: string, body: string, attributes: Record<string, string>): SQSRecord {
  return {
    messageId,
    receiptHandle: 'MessageReceiptHandle',
    body,
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: '1523232000000',
      SenderId: '000000000000',
      ApproximateFirstReceiveTimestamp: '1523232000001',
    },
    messageAttributes: Object.fromEntries(
      Object.entries(attributes).map(([name, stringValue]) => [
        name,
        { stringValue, stringListValues: [], binaryListValues: [], dataType: 'String' },
      ]),
    ),
    md5OfBody: '7b270e59b47ff90a553787216d55d91d',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:us-east-1:123456789012:MyQueue',
    awsRegion: 'us-east-1',
  };
}

/** `cloudwatch scheduled-event` */
export const scheduledEvent = {
  id: 'cdc73f9d-aea9-11e3-9d5a-835b769c0d9c',
  'detail-type': 'Scheduled Event',
  source: 'aws.events',
  account: '123456789012',
  time: '1970-01-01T00:00:00Z',
  region: 'us-east-1',
  resources: ['arn:aws:events:us-east-1:123456789012:rule/ExampleRule'],
  detail: {},
};
