/**
 * Reads the synthesized template as CloudFormation would: every resource first gets the name it would have,
 * then references are resolved, so that order does not matter. What is not understood throws.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ACCOUNT, LOCAL_STACK, REGION } from './account.ts';
import { queueUrl } from './embedded.ts';

export interface CloudFormationTemplate {
  Resources: Record<string, RawResource>;
}

interface RawResource {
  Type: string;
  Properties?: Record<string, unknown>;
  Metadata?: { 'aws:cdk:path'?: string };
}

/** Where the embedded parts and the API answer. */
export interface Addresses {
  apiUrl: string;
  sqsUrl: string;
}

export interface Resource {
  logicalId: string;
  name: string;
  /** Only the properties asked for, resolved; absent ones are undefined. */
  // biome-ignore lint/suspicious/noExplicitAny: their shapes are CloudFormation's, checked by the deployment.
  properties: Record<string, any>;
}

export interface Template {
  /** The resources of one type, with those of their properties that the caller is going to use. */
  ofType(type: string, properties: readonly string[]): Resource[];
  /** The types that it has resources of, sorted. */
  types(): string[];
  resolve(value: unknown): unknown;
}

interface Identity {
  [attribute: string]: string;
}

/** What Ref and Fn::GetAtt answer, per resource type. */
const IDENTITIES: Record<string, (name: string, addresses: Addresses, logicalId: string) => Identity> = {
  'AWS::Lambda::Function': (name) => ({ Ref: name, Arn: arn('lambda', `function:${name}`) }),
  'AWS::SQS::Queue': (name, { sqsUrl }) => {
    const url = queueUrl(sqsUrl, name);
    return { Ref: url, QueueUrl: url, QueueName: name, Arn: arn('sqs', name) };
  },
  'AWS::SNS::Topic': (name) => ({ Ref: arn('sns', name), TopicArn: arn('sns', name), TopicName: name }),
  'AWS::DynamoDB::GlobalTable': (name) => ({ Ref: name, Arn: arn('dynamodb', `table/${name}`) }),
  'AWS::SecretsManager::Secret': (name) => {
    const id = arn('secretsmanager', `secret:${name}`);
    return { Ref: id, Id: id };
  },
  'AWS::ApiGatewayV2::Api': (name, { apiUrl }) => ({ Ref: name, ApiId: name, ApiEndpoint: apiUrl }),
  'AWS::ApiGatewayV2::Integration': (_name, _addresses, logicalId) => ({ Ref: logicalId }),
  'AWS::IAM::Role': (name) => ({ RoleId: name }),
};

/** The types whose resources the local run makes something of. */
export const EMULATED_TYPES: ReadonlySet<string> = new Set([
  ...Object.keys(IDENTITIES).filter((type) => type !== 'AWS::IAM::Role'),
  'AWS::ApiGatewayV2::Route',
  'AWS::Events::Rule',
  'AWS::Lambda::EventSourceMapping',
  'AWS::SNS::Subscription',
]);

const PSEUDO_PARAMETERS: Record<string, string> = {
  'AWS::AccountId': ACCOUNT,
  'AWS::Region': REGION,
  'AWS::Partition': 'aws',
  'AWS::URLSuffix': 'amazonaws.com',
  'AWS::StackName': 'local',
  'AWS::StackId': `arn:aws:cloudformation:${REGION}:${ACCOUNT}:stack/local/${LOCAL_STACK}`,
};

function arn(service: string, resource: string): string {
  return `arn:aws:${service}:${REGION}:${ACCOUNT}:${resource}`;
}

export function openTemplate(template: CloudFormationTemplate, addresses: Addresses): Template {
  const resources = Object.entries(template.Resources);
  const names = namesOf(resources);

  const resolve = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(resolve).filter((item) => item !== undefined);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    const [key, argument] = entries[0] ?? [];
    if (entries.length === 1 && (key === 'Ref' || key?.startsWith('Fn::'))) return intrinsic(key, argument);
    return Object.fromEntries(entries.map(([name, item]) => [name, resolve(item)]));
  };

  const intrinsic = (name: string, argument: unknown): unknown => {
    if (name === 'Ref') return reference(argument as string);
    if (name === 'Fn::GetAtt') return attribute(argument as string | [string, string]);
    if (name === 'Fn::Sub') return substitute(argument as string | [string, Record<string, unknown>]);
    const list = resolve(argument);
    if (Array.isArray(list)) {
      if (name === 'Fn::Join') return (list[1] as string[]).join(list[0]);
      if (name === 'Fn::Split') return (list[1] as string).split(list[0]);
      if (name === 'Fn::Select') return (list[1] as unknown[])[Number(list[0])];
    }
    throw new Error(`The template uses ${name}, which the local run does not know.`);
  };

  const reference = (id: string): string | undefined => {
    if (id === 'AWS::NoValue') return undefined;
    return PSEUDO_PARAMETERS[id] ?? identify(id, 'Ref');
  };

  const attribute = (argument: string | [string, string]): string => {
    const path = Array.isArray(argument) ? argument : argument.split('.');
    return identify(path[0] as string, path.slice(1).join('.'));
  };

  const identify = (logicalId: string, wanted: string): string => {
    const resource = template.Resources[logicalId];
    if (!resource) throw new Error(`The template refers to ${logicalId}, which it does not have.`);
    const identity = IDENTITIES[resource.Type]?.(names.get(logicalId) as string, addresses, logicalId);
    const value = identity?.[wanted];
    if (value === undefined) {
      throw new Error(`The local run has no ${wanted} of ${logicalId}, an ${resource.Type}.`);
    }
    return value;
  };

  const substitute = (argument: string | [string, Record<string, unknown>]): string => {
    const [text, variables] = Array.isArray(argument) ? argument : [argument, {}];
    return text.replace(/\$\{(!?)([^}]+)\}/g, (_match, literal: string, name: string) => {
      if (literal) return `\${${name}}`;
      if (name in variables) return String(resolve(variables[name]));
      return String(name.includes('.') ? attribute(name) : reference(name));
    });
  };

  return {
    resolve,
    ofType: (type, properties) =>
      resources
        .filter(([, resource]) => resource.Type === type)
        .map(([logicalId, resource]) => ({
          logicalId,
          name: names.get(logicalId) as string,
          properties: Object.fromEntries(
            properties.map((property) => [property, resolve(resource.Properties?.[property])]),
          ),
        })),
    types: () => [...new Set(resources.map(([, { Type }]) => Type))].sort(),
  };
}

/** The last construct id before `Resource` in the CDK path: what a reader of the stack would call it. */
function namesOf(resources: [string, RawResource][]): Map<string, string> {
  const names = new Map<string, string>();
  const taken = new Map<string, string>();
  for (const [logicalId, { Type, Metadata }] of resources) {
    const ids = (Metadata?.['aws:cdk:path'] ?? logicalId).split('/');
    if (ids.at(-1) === 'Resource') ids.pop();
    const name = ids.at(-1) as string;
    names.set(logicalId, name);

    const other = taken.get(`${Type} ${name}`);
    const needsOwnName = Type in IDENTITIES && Type !== 'AWS::ApiGatewayV2::Integration';
    if (other && needsOwnName)
      throw new Error(`${other} and ${logicalId} are both an ${Type} called ${name}.`);
    taken.set(`${Type} ${name}`, logicalId);
  }
  return names;
}

interface AssetsManifest {
  files: Record<string, { source: { path: string }; destinations: Record<string, { objectKey: string }> }>;
}

/** Finds the folder of an asset by the key under which a deployment would upload it. */
export function openAssets(manifestFile: string, folder: string): (s3Key: string) => string {
  const manifest = JSON.parse(readFileSync(manifestFile, 'utf8')) as AssetsManifest;
  return (s3Key) => {
    const isIt = ({ objectKey }: { objectKey: string }) => objectKey === s3Key;
    const asset = Object.values(manifest.files).find((file) => Object.values(file.destinations).some(isIt));
    if (!asset) throw new Error(`The assets manifest has no file with the key ${s3Key}.`);
    return join(folder, asset.source.path);
  };
}
