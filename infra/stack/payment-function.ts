/** What every Lambda of the service has in common. */
import { join } from 'node:path';
import { Aws, type Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  Architecture,
  Code,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { pick } from '../../shared/payment/pick.ts';
import { olderVariables } from '../../shared/runtime/older-variables.ts';
import {
  type FunctionName,
  type PlainSettings,
  SETTINGS_OF,
  SETTINGS_VARIABLE,
} from '../../shared/runtime/settings.ts';
import { bundlesFolder } from './bundles-folder.ts';
import type { Settings } from './settings-types.ts';

export interface PaymentFunctionProps {
  settings: Settings;
  /** Of which it gets its own; what belongs to a resource comes with `use`. */
  plainSettings: PlainSettings;
  /** Of the logs. */
  dataKey: IKey | undefined;
  description: string;
  timeout: Duration;
}

/** A resource as a function sees it. */
export interface UsedResource {
  /** The environment variable that holds `value`. */
  variable: string;
  /** What the SDK is called with: a name, URL or ARN. */
  value: string;
  /** What the actions are allowed on. */
  arn: string;
}

/** A Lambda with the code of `dist/functions/<id>` and a role that may do nothing but log and `use`. */
export class PaymentFunction extends LambdaFunction {
  constructor(scope: Construct, id: FunctionName, props: PaymentFunctionProps) {
    const { settings, plainSettings, dataKey, description, timeout } = props;
    // An own role, because the default one comes with a managed policy that may write to every log group.
    const role = new Role(scope, `${id}-role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    const logGroup = new LogGroup(scope, `${id}-logs`, {
      retention: settings.logRetentionDays,
      ...(dataKey && { encryptionKey: dataKey }),
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    logGroup.grantWrite(role);
    const reserve = settings.reservedConcurrency[id];
    super(scope, id, {
      description,
      timeout,
      environment: {
        STACK_NAME: Stack.of(scope).stackName,
        POWERTOOLS_SERVICE_NAME: id,
        URL_SUFFIX: Aws.URL_SUFFIX,
        ...settingsVariables(Stack.of(scope), pick(plainSettings, SETTINGS_OF[id])),
      },
      role,
      logGroup,
      code: Code.fromAsset(join(bundlesFolder, id)),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: settings.memoryMegabytes[id] ?? DEFAULT_MEMORY,
      loggingFormat: LoggingFormat.JSON,
      ...(reserve !== undefined && { reservedConcurrentExecutions: reserve }),
    });
  }

  /** Lets the function use a resource: gives it the name, and grants exactly the actions named. */
  use({ variable, value, arn }: UsedResource, ...actions: string[]): this {
    return this.addEnvironment(variable, value).allow(arn, ...actions);
  }

  /** Grants actions on a resource that the function needs no name of. */
  allow(arn: string, ...actions: string[]): this {
    this.addToRolePolicy(new PolicyStatement({ actions, resources: [arn] }));
    return this;
  }

  /** Lets the function start itself. A policy of its own, since the function waits for its role's, and this for the function. */
  allowToStartItself(scope: Construct): this {
    new Policy(scope, `${this.node.id}-starts-itself`, {
      statements: [
        new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [this.functionArn] }),
      ],
      roles: [this.role!],
    });
    return this;
  }
}

/** In MB. Not for the memory: Lambda gives CPU in proportion, and TLS and the SDK's start need it. */
const DEFAULT_MEMORY = 1024;

/** Below this the settings fit twice into the 4 KB that Lambda has for all variables of a function. */
const MAX_BYTES_TWICE = 1_200;

function settingsVariables(stack: Stack, settings: Partial<PlainSettings>): Record<string, string> {
  const fitsTwice = Buffer.byteLength(JSON.stringify(settings)) <= MAX_BYTES_TWICE;
  return {
    ...(fitsTwice && olderVariables(settings)),
    [SETTINGS_VARIABLE]: stack.toJsonString(settings),
  };
}
