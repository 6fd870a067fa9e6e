/** The commands that try things out, on the local run only. */
import { Argument, type Command, Option } from 'commander';
import { EVENT_TYPES } from '../../shared/payment/event-schema.ts';
import { CALLS, type Fault, KINDS } from '../local/simulator/faults.ts';
import { parseCount, parseTimes, parseWebUrl } from './arguments.ts';
import { findLocalRun, type Where } from './environment.ts';
import { clearFaults, listFaults, setFault } from './faults.ts';
import { LISTENING_HELP, type Listening, listen, untilInterrupted } from './listen.ts';
import type { Result } from './output.ts';
import { type KindName, listKinds, KINDS as TRIGGERS, trigger } from './trigger.ts';

type Work = (run: (environment: ReturnType<typeof findLocalRun>) => Promise<Result>) => Promise<void>;

export function localCommands(root: Command, onResult: (result: Result) => void): void {
  const work: Work = async (run) => onResult(await run(findLocalRun(root.opts<Where>())));
  listens(root, work);
  triggers(root, work);
  faults(root, work);
}

function listens(root: Command, work: Work): void {
  root
    .command('listen')
    .description('hand the payment events on to your own consumer over HTTP (local run)')
    .requiredOption(
      '--forward-to <url>',
      'where each is sent by POST, as application/cloudevents+json',
      parseWebUrl,
    )
    .addOption(new Option('--type <type...>', 'only events of these types').choices(EVENT_TYPES))
    .option('--queue <subscriber>', 'whose queue, where cdk.json names several subscribers')
    .addHelpText('after', LISTENING_HELP)
    .action((options: Listening) => work((environment) => listen(environment, options, untilInterrupted())));
}

function triggers(root: Command, work: Work): void {
  root
    .command('trigger')
    .description('make something happen at the simulator, up to its events (local run)')
    .addArgument(new Argument('[kind]', 'what; without it, list them').choices(Object.keys(TRIGGERS)))
    .action((kind?: KindName) =>
      work(async (environment) => (kind === undefined ? listKinds() : trigger(environment, kind))),
    );
}

function faults(root: Command, work: Work): void {
  const group = root.command('faults').description('what goes wrong next at the simulator (local run)');
  group
    .command('ls', { isDefault: true })
    .description('list those that are left, first used first')
    .action(() => work(listFaults));
  group
    .command('set')
    .description('let a call fail, or a webhook; docs/faults.md says what each kind does')
    .addArgument(new Argument('<on>', 'which call, or webhook').choices(CALLS))
    .addArgument(new Argument('<kind>', 'what happens').choices(KINDS))
    .option('--times <n>', 'how often, or always', parseTimes, 1)
    .action((on: Fault['on'], kind: Fault['kind'], { times }: Pick<Fault, 'times'>) =>
      work((environment) => setFault(environment, { on, kind, times })),
    );
  group
    .command('clear')
    .description('take all of them away')
    .addArgument(new Argument('[id]', 'only this one, of those that are listed').argParser(parseCount))
    .action((id?: number) => work((environment) => clearFaults(environment, id)));
}
