import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { projectSettings } from '../../infra/stack/project-context.ts';
import { replacedBy, type TemplateResources } from '../../infra/stack/released/stateful.ts';
import { type Json, synthesize } from './synthesized.ts';

/** Whoever has deployed the last release keeps the data: `npm run released` writes the file at a release. */

const file = join(import.meta.dirname, '../../infra/stack/released/stateful.json');
const released: TemplateResources = JSON.parse(readFileSync(file, 'utf8'));

let template: Json;
beforeAll(async () => {
  template = (await synthesize(projectSettings())).template.toJSON();
}, 240_000);

const idOf = (type: string, path: RegExp) =>
  Object.entries<Json>(template.Resources).find(
    ([id, { Type }]) => Type === `AWS::${type}` && path.test(id),
  )![0];

test('nothing that holds data is replaced by deploying this over the last release', () => {
  expect(replacedBy(template, released)).toEqual([]);
});

test('the last release has the table, every queue, secret and log group, the topics and the API', () => {
  const types = Object.values(released.Resources).map(({ Type }) => Type);
  for (const type of [
    'DynamoDB::GlobalTable',
    'SNS::Topic',
    'SQS::Queue',
    'SecretsManager::Secret',
    'Logs::LogGroup',
    'ApiGatewayV2::Api',
  ]) {
    expect(types, type).toContain(`AWS::${type}`);
  }
});

test.each<[string, string, RegExp, (resource: Json) => void]>([
  [
    'a table of another name',
    'DynamoDB::GlobalTable',
    /./,
    ({ Properties }) => {
      Properties.TableName = 'payments';
    },
  ],
  [
    'another key',
    'DynamoDB::GlobalTable',
    /./,
    ({ Properties }) => {
      Properties.KeySchema[0].AttributeName = 'id';
    },
  ],
  [
    'another index',
    'DynamoDB::GlobalTable',
    /./,
    ({ Properties }) => {
      Properties.GlobalSecondaryIndexes[0].Projection.ProjectionType = 'ALL';
    },
  ],
  [
    'a queue that is FIFO',
    'SQS::Queue',
    /webhooks/,
    ({ Properties }) => {
      Properties.FifoQueue = true;
    },
  ],
  [
    'another generator of a secret',
    'SecretsManager::Secret',
    /apikey/,
    ({ Properties }) => {
      Properties.GenerateSecretString.PasswordLength = 41;
    },
  ],
  [
    'a named log group',
    'Logs::LogGroup',
    /createpayment/,
    ({ Properties }) => {
      Properties.LogGroupName = 'create-payment';
    },
  ],
  [
    'another type of resource',
    'SNS::Topic',
    /paymentevents/,
    (resource) => {
      resource.Type = 'AWS::SNS::Other';
    },
  ],
])('%s would be noticed', (_, type, path, change) => {
  const changed = structuredClone(template);
  const id = idOf(type, path);
  change(changed.Resources[id]);
  expect(replacedBy(changed, released)).toEqual([expect.stringContaining(id)]);
});

test('a route that the stage limits and that is gone would be noticed, and one that is added may be', () => {
  const id = idOf('ApiGatewayV2::Stage', /./);
  const changed = structuredClone(template);
  const { RouteSettings } = changed.Resources[id].Properties;
  const { 'POST /operations/refunds': limits, ...others } = RouteSettings;
  changed.Resources[id].Properties.RouteSettings = others;
  expect(replacedBy(changed, released)).toEqual([`${id} POST /operations/refunds`]);
  changed.Resources[id].Properties.RouteSettings = { ...RouteSettings, 'POST /operations/added': limits };
  expect(replacedBy(changed, released)).toEqual([]);
});

test('another logical id would be noticed, and a queue that is added may be', () => {
  const id = idOf('SQS::Queue', /webhooks[0-9A-F]{8}$/);
  const { [id]: queue, ...others } = template.Resources;
  expect(replacedBy({ Resources: { ...others, Renamed: queue } }, released)).toEqual([id]);
  expect(replacedBy({ Resources: { ...template.Resources, Added: queue } }, released)).toEqual([]);
});
