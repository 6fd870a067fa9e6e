import { type Ended, run } from './run.ts';

const REGIONS = ['us-east-1', 'eu-west-1', 'eu-central-1'];

/**
 * What cfn-lint says of a template: code 0 and nothing, or what is wrong with it in one of the regions.
 * @param python that of the environment with the Python tools
 */
export function lintTemplate(python: string, file: string): Promise<Ended> {
  const main = 'import sys; from cfnlint.runner import main; sys.exit(main())';
  // W3005: a DependsOn that a GetAtt makes needless. The CDK writes it for every function with a role.
  const options = ['--ignore-checks', 'W3005', '--regions', ...REGIONS];
  return run(python, ['-c', main, ...options, '--', file]);
}
