import { type Asked, downSince, lagOf, withAnswers } from '../../shared/payment/slice.ts';
import { SECOND_MS } from '../../shared/runtime/time.ts';
import { keepRateLimited, noticingRateLimit } from '../../shared/store/question-rate.ts';
import type { Watermarks } from '../../shared/store/watermark.ts';
import { HEARD_EVERY_MS, readWebhooksHeard } from '../../shared/store/webhooks-heard.ts';
import { type ReadingGateway, withCircuitBreaker } from './circuit-breaker.ts';
import { named } from './discrepancy.ts';
import { watchHealth } from './health.ts';
import { paced, type Turns, UNPACED } from './pace.ts';
import { allShards, type Part, shardsOf } from './part.ts';
import type { ReconcileContext } from './pipeline.ts';
import { listHelps } from './plan.ts';
import { roomInQueue } from './room.ts';
import { noCounts, type RunSummary, summaryOf } from './run-summary.ts';
import { sweep } from './sweep.ts';
import { walk } from './walk.ts';
import type { WebhookWatch } from './webhooks-missing.ts';

/** A worker's share of a run. */
export interface Share {
  part: Part;
  /** When it must have ended, in epoch milliseconds. */
  deadline: number;
  requestId?: string;
  /** Whether it asks once whether the list is back that was down. */
  probesList: boolean;
  webhooks: Pick<WebhookWatch, 'saw'>;
}

/** Within this a sweep that is only a little behind has caught up. */
const PATIENCE_MS = 10 * SECOND_MS;

/** Where nobody says otherwise. */
const CONCURRENCY = 8;

/** A question, and what becomes of its answer, fit into this. */
const QUESTION_MS = 6_000;
const PAGE_MS = 12_000;

/** While paytech's list does not help: for so long it is asked ahead before what is due meanwhile has its turn. */
const AHEAD_MS = 5 * SECOND_MS;

/**
 * Sweeps paytech's list together with the other workers, and walks over what is open in the shards of its part, side by
 * side. Trouble with paytech ends it early and is in its summary; it throws only when the table cannot be read.
 */
export function worker(context: ReconcileContext & { watermarks: Watermarks }) {
  const { table, now, logger, graceMs, watermarks, sleep, questionsPerSecond, queueDepth: depth } = context;

  return async ({
    part,
    deadline,
    ...share
  }: Share): Promise<{ summary: RunSummary; hasWorked: boolean }> => {
    const counts = noCounts();
    const state = await watermarks.read();
    const pace =
      sleep && questionsPerSecond !== undefined
        ? paced({ table, now, sleep, perSecond: questionsPerSecond / part.of })
        : UNPACED;
    const health = watchHealth({ ...context, gateway: heedingLimits(context.gateway) });
    const { gateway, isOpen, listFailed } = withCircuitBreaker(health.gateway, logger);
    const goesOn = () => now() <= deadline - PAGE_MS;
    const room = sleep && depth ? roomInQueue({ depth, sleep, goesOn }) : async () => {};
    const shared = {
      ...context,
      ...share,
      gateway,
      queue: health.queue,
      counts,
      state,
      room,
      deadline,
    };
    const sweeping = sweep({ ...shared, ...turnsUntil(deadline - PAGE_MS, 'list') })();
    for (const ended of await Promise.allSettled([sweeping, walkAll()]))
      if (ended.status === 'rejected') throw ended.reason;
    counts.behindSeconds = (await sweeping).lagMs / SECOND_MS;
    await noteAnswers();
    const summary = summaryOf(counts);
    return { summary, hasWorked: health.hasWorked(summary) };

    function turnsUntil(end: number, asked: Asked): Turns {
      let isOver = false;
      return {
        goesOn() {
          if (isOpen(asked)) counts.stopped = 'gateway';
          else if (isOver || now() > end) counts.stopped ??= 'time';
          else return true;
          return false;
        },
        async turn() {
          isOver ||= !(await pace.turn(end));
          return !isOver;
        },
      };
    }

    async function walkAll(): Promise<void> {
      const turns = turnsUntil(deadline - QUESTION_MS, 'get');
      const { goesOn } = turns;
      const concurrency = context.concurrency ?? CONCURRENCY;
      const shards = shardsOf(part, allShards(context.index, state));
      const { due, ahead } = walk({ ...shared, ...turns, shards, concurrency });
      await due();
      if (!(await isListNoHelp())) return;
      if (!context.isContinuous || !sleep) {
        await ahead();
        return;
      }
      while (goesOn()) {
        const looked = (await ahead(now() + AHEAD_MS)) + (await due());
        if (looked === 0) await sleep(AHEAD_MS);
      }
    }

    async function isListNoHelp(): Promise<boolean> {
      if (downSince(state, 'list') !== undefined && !listHelps(lagOf(state, now(), graceMs))) return true;
      const swept = await Promise.race([sweeping, listFailed, ...(await patience())]);
      const lagMs = swept?.lagMs ?? lagOf(await watermarks.read(), now(), graceMs);
      return swept?.isFiltered === false || !listHelps(lagMs);
    }

    /** How long a sweep that is behind is waited for: to its end where webhooks arrive, which tell what is fresh. */
    async function patience(): Promise<Promise<void>[]> {
      if (!context.isContinuous || !sleep || listHelps(lagOf(state, now(), graceMs))) return [];
      const { heardAt = 0 } = (await readWebhooksHeard(table).catch(() => undefined)) ?? {};
      return now() - heardAt < 2 * HEARD_EVERY_MS ? [] : [sleep(PATIENCE_MS).then(() => {})];
    }

    /** So that the next workers need not find out by questions that hang. */
    async function noteAnswers(): Promise<void> {
      const answers = health.answers();
      if (!withAnswers(state, answers, now())) return;
      try {
        await watermarks.change((current) => {
          const next = withAnswers(current, answers, now());
          return next && { state: next, outcome: true };
        });
      } catch (error) {
        logger.error('not noted whether paytech answers', { metric: 'ReconcileFailed', ...named(error) });
      }
    }

    function heedingLimits({ get, list, listReadable, operations }: ReadingGateway): ReadingGateway {
      return noticingRateLimit({ get, list, listReadable, operations }, async () => {
        await keepRateLimited(table, now());
        pace.readAgain();
      });
    }
  };
}
