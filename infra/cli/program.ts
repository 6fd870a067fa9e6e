import { Argument, Command, Option } from 'commander';
import { RESOLVED_KINDS } from '../../functions/operations/claims.ts';
import { STANDING_ALARMS, type StandingAlarm } from '../../shared/payment/standing.ts';
import { DAY_MS } from '../../shared/runtime/time.ts';
import { type Acknowledging, acknowledge, listAlarms } from './alarms.ts';
import { parseCount, parseDuration, parseSince, SINCE } from './arguments.ts';
import { listClaims, type Resolving, resolve } from './claims.ts';
import type { Filter } from './dead-letters.ts';
import {
  type Chosen,
  deleteDeadLetters,
  listDeadLetters,
  type OfQueue,
  redriveDeadLetters,
  showDeadLetter,
} from './dlq.ts';
import { doctor, type Examining } from './doctor.ts';
import { type Environment, findEnvironment, type Where } from './environment.ts';
import { explain } from './explain.ts';
import { keys } from './keys.ts';
import { localCommands } from './local-commands.ts';
import type { Result } from './output.ts';
import { reconcileAll } from './reconcile.ts';
import { replay } from './replay.ts';
import { show } from './show.ts';

/** Does what a command does, on what was chosen. */
type Work = (run: (environment: Environment) => Promise<Result>) => Promise<void>;

const PAYMENT = "paytech's id of the payment";
const PAYMENT_OR_REFERENCE = `${PAYMENT}, or the merchant's reference`;
const LOCAL = 'without it, the local run found by PORT, PAYTECH_PORT, SQS_PORT and DYNAMODB_PORT';

/** The commands; `onResult` gets what the one that was called has to say. */
export function program(onResult: (result: Result) => void): Command {
  const root = new Command('paytech-ops')
    .description('Operates the payment service.')
    .option('--json', 'print one JSON document; progress goes to stderr')
    .option('--stack <name>', `the CloudFormation stack; ${LOCAL}`)
    .option('--profile <name>', 'AWS profile')
    .option('--region <name>', 'AWS region')
    .addHelpText(
      'after',
      '\nWhat moves money or deletes asks first; a script passes --yes.\nExit codes: 0 done, 1 failed or not found, 2 usage error.',
    )
    .exitOverride();

  const work: Work = async (run) => onResult(await run(await findEnvironment(root.opts<Where>())));
  lookUps(root, work);
  deadLetters(root, work);
  replays(root, work);
  claims(root, work);
  alarms(root, work);
  upkeep(root, work);
  localCommands(root, onResult);
  return root;
}

function lookUps(root: Command, work: Work): void {
  root
    .command('show')
    .description('the record, its history, its claim, what paytech has, and where the two differ')
    .argument('<id|reference>', PAYMENT_OR_REFERENCE)
    .action((query: string) => work((environment) => show(environment, query)));

  root
    .command('explain')
    .description('its timeline in sentences, and what to do now')
    .argument('<id|reference>', PAYMENT_OR_REFERENCE)
    .action((query: string) => work((environment) => explain(environment, query)));
}

function deadLetters(root: Command, work: Work): void {
  const dlq = root
    .command('dlq')
    .description('webhooks that could not be applied, and events that a subscriber went without');
  filtered(ofQueue(dlq.command('ls')))
    .description('list them, oldest first')
    .action((filter: Filter & OfQueue) => work((environment) => listDeadLetters(environment, filter)));
  ofQueue(dlq.command('show'))
    .description('one of them')
    .argument('<message>', 'its id, from ls')
    .option('--raw', 'with its body, which may hold customer data')
    .action((id: string, options: OfQueue & { raw?: boolean }) =>
      work((environment) => showDeadLetter(environment, id, options)),
    );
  chosen(dlq.command('redrive'))
    .description('put them back onto the queue that they come from')
    .action((ids: string[], options: Chosen) =>
      work((environment) => redriveDeadLetters(environment, { ...options, ids })),
    );
  chosen(dlq.command('delete'))
    .description('delete them for good')
    .action((ids: string[], options: Chosen) =>
      work((environment) => deleteDeadLetters(environment, { ...options, ids })),
    );
}

function replays(root: Command, work: Work): void {
  root
    .command('replay')
    .description('publish the events of a payment again, with the same ids and bytes')
    .argument('<id>', PAYMENT)
    .option('--version <n>', 'only that of this version', parseCount)
    .action((id: string, { version }: { version?: number }) =>
      work((environment) => replay(environment, id, version)),
    );
}

function claims(root: Command, work: Work): void {
  const group = root.command('claims').description('requests whose outcome is unknown');
  group
    .command('ls')
    .description('list those that need a decision')
    .option('--all', 'every open one')
    .action((options: { all?: boolean }) => work((environment) => listClaims(environment, options)));
  group
    .command('resolve')
    .description('decide what became of one; paytech is asked once more first')
    .addArgument(
      new Argument('<kind>', 'of the request; or operation, to release the open one of a payment').choices(
        RESOLVED_KINDS,
      ),
    )
    .argument('<id>', 'of the request, from ls; for an operation, of its payment')
    .addOption(new Option('--outcome <outcome>', 'what became of it').choices(['sent', 'not-sent']))
    .requiredOption('--reason <text>', 'why; it goes into the history, and names no customer')
    .option('--payment <id>', 'which payment it is, where paytech has several or one that differs')
    .option(
      '--not-payment <id...>',
      'what paytech has and you have looked at: none of them is what was asked for',
    )
    .option('--yes', 'do not ask')
    .action((kind: (typeof RESOLVED_KINDS)[number], id: string, options: Resolving) =>
      work((environment) => resolve(environment, kind, id, options)),
    );
}

function alarms(root: Command, work: Work): void {
  root
    .command('alarms')
    .description('list the alarms that wait for a decision')
    .action(() => work(listAlarms));
  root
    .command('acknowledge')
    .description('end an alarm that you have dealt with, where no record can show it')
    .addArgument(new Argument('<alarm>', 'its name').choices(STANDING_ALARMS))
    .argument('<id>', 'its id, from alarms')
    .requiredOption('--reason <text>', 'why; it is kept with the alarm, and names no customer')
    .option('--yes', 'do not ask')
    .action((alarm: StandingAlarm, id: string, options: Acknowledging) =>
      work((environment) => acknowledge(environment, alarm, id, options)),
    );
}

function upkeep(root: Command, work: Work): void {
  root
    .command('keys')
    .description('which signing key and encoding matched lately, and whether an old key may be retired')
    .addOption(
      new Option('--since <when>', `from when on to look: ${SINCE}`)
        .argParser(parseSince)
        .default(Date.now() - 7 * DAY_MS, '7d'),
    )
    .option('--max <n>', 'look at this many payments at most', parseCount, 2_000)
    .action((options: { since: number; max: number }) => work((environment) => keys(environment, options)));

  root
    .command('reconcile')
    .description('find changes whose webhook did not arrive, until nothing is left')
    .option(
      '--since <when>',
      `compare paytech's list from then on: ${SINCE}; without it, from where the scheduled runs are`,
      parseSince,
    )
    .option('--dry-run', 'only count')
    .option('--wait', 'also wait for what is left to its webhook, some minutes')
    .action((options: { since?: number; dryRun?: boolean; wait?: boolean }) =>
      work((environment) => reconcileAll(environment, options)),
    );

  root
    .command('doctor')
    .description(
      'check that everything the service needs is in place and answers; FAIL fails it, WARN does not',
    )
    .option('--pay', 'make a payment in the sandbox, for you to pay, and see its webhook come')
    .option('--strict', 'fail for a WARN, too')
    .action((options: Examining) => work((environment) => doctor(environment, options)));
}

function ofQueue(command: Command): Command {
  return command.option(
    '--queue <name>',
    "a subscriber's instead of the webhooks': <subscriber>, <subscriber>-dlq or <subscriber>-undelivered",
  );
}

function chosen(command: Command): Command {
  return filtered(ofQueue(command))
    .argument('[message...]', 'their ids, from ls')
    .option('--all', 'all of them')
    .option('--yes', 'do not ask');
}

function filtered(command: Command): Command {
  return command
    .option('--reason <text>', 'only those whose reason has this in it')
    .option('--payment <id>', 'only those of this payment')
    .option('--older-than <duration>', 'only those received longer ago, such as 15m or 2h', parseDuration);
}
