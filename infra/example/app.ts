/**
 * The example: `npx cdk deploy --app 'node infra/example/app.ts'` deploys a shop's own stack with the service and
 * a subscriber in it. With `--context topicArn=…` only the subscriber, to the service of another stack.
 */
import { App } from 'aws-cdk-lib';
import { bundleFunctions } from '../stack/bundle.ts';
import { OrdersStack } from './orders-stack.ts';
import { ShopStack } from './shop-stack.ts';

const app = new App();
const topicArn = app.node.tryGetContext('topicArn');
if (topicArn === undefined) {
  await bundleFunctions();
  new ShopStack(app, 'paytech-shop-example');
} else {
  new OrdersStack(app, 'paytech-orders-example', { topic: topicArn });
}
app.synth();
