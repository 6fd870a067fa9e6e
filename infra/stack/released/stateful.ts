/**
 * What of a stack cannot be made again: it holds money, keys, messages or evidence, or others know it by its
 * identity. A deployment may change it, and must not replace it.
 */
import { isDeepStrictEqual } from 'node:util';

/** The part of a template that this is about. */
export interface TemplateResources {
  Resources: Record<string, { Type: string; Properties?: Record<string, unknown> }>;
}

type Properties = Record<string, unknown>;

/**
 * By type, the properties whose change replaces the resource ("Update requires: Replacement" in the CloudFormation
 * template reference), or what it holds: a new GenerateSecretString makes a new value, new keys a new index.
 */
const DECISIVE: Record<string, (properties: Properties) => Properties> = {
  'AWS::ApiGatewayV2::Api': pick('ProtocolType'),
  'AWS::ApiGatewayV2::Stage': pick('ApiId', 'StageName'),
  'AWS::DynamoDB::GlobalTable': pick('TableName', 'KeySchema', 'LocalSecondaryIndexes'),
  'AWS::Logs::LogGroup': pick('LogGroupName'),
  'AWS::SNS::Subscription': pick('TopicArn', 'Protocol', 'Endpoint'),
  'AWS::SNS::Topic': pick('TopicName', 'FifoTopic'),
  'AWS::SQS::Queue': pick('QueueName', 'FifoQueue'),
  'AWS::SecretsManager::Secret': pick('Name', 'GenerateSecretString', 'SecretString'),
};

/**
 * The stateful resources of a template by logical id, with what is decisive of each; and by name the indexes of
 * tables and the routes that a stage sets limits for. API Gateway merges those of an update into what the stage has
 * (UpdateStage), so that a route which is gone stays named there, and may have the update refused.
 */
export function statefulOf({ Resources }: TemplateResources): TemplateResources['Resources'] {
  const found = Object.entries(Resources)
    .filter(([, { Type }]) => Type in DECISIVE)
    .flatMap(([id, { Type, Properties = {} }]) => [
      [id, { Type, Properties: DECISIVE[Type]!(Properties) }] as const,
      ...indexesOf(Properties).map(
        (index) =>
          [
            `${id} ${index.IndexName}`,
            { Type: 'index', Properties: pick('KeySchema', 'Projection')(index) },
          ] as const,
      ),
      ...Object.keys(Properties.RouteSettings ?? {}).map(
        (routeKey) => [`${id} ${routeKey}`, { Type: 'route settings', Properties: {} }] as const,
      ),
    ]);
  return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What of a released template a deployment of `current` would replace or remove, by logical id. */
export function replacedBy(current: TemplateResources, released: TemplateResources): string[] {
  const now = statefulOf(current);
  return Object.entries(released.Resources)
    .filter(([id, resource]) => !isDeepStrictEqual(now[id], resource))
    .map(([id]) => id);
}

function indexesOf({ GlobalSecondaryIndexes = [] }: Properties): Properties[] {
  return GlobalSecondaryIndexes as Properties[];
}

function pick(...names: string[]) {
  return (properties: Properties): Properties =>
    Object.fromEntries(names.filter((name) => name in properties).map((name) => [name, properties[name]]));
}
