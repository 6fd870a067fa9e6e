import { Aws, Fn } from 'aws-cdk-lib';

/** The part of the stack's id that is made for it when it is created: no other stack has it, and nobody can guess it. */
export function uniqueToStack(): string {
  return Fn.select(2, Fn.split('/', Aws.STACK_ID));
}
