import { schedule, validate } from 'node-cron';
import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { FleetOperations } from './operations.ts';

/** Whether a text is a schedule as cron has them, with five fields, or six with seconds. */
export function isSchedule(text: string): boolean {
  return validate(text);
}

/** What a schedule needs. */
export interface ScheduleParts {
  operations: Pick<FleetOperations, 'rebalance'>;
  /** Every router has the schedule; the one that leads follows it. */
  leads: () => boolean;
  log: Logger;
}

/**
 * Brings workspaces home by a schedule. Returns what ends it.
 *
 * @param cron see {@link isSchedule}; by the host's time zone
 */
export function scheduleRebalance(
  cron: string,
  { operations, leads, log }: ScheduleParts,
): () => Promise<void> {
  const task = schedule(cron, async () => {
    if (!leads()) return;
    try {
      const { moves } = await operations.rebalance();
      log.info({ moves: moves.length }, 'brings workspaces home, by schedule');
    } catch (error) {
      log.warn(
        { reason: messageOf(error) },
        'the scheduled rebalance could not begin; the next one is tried',
      );
    }
  });
  return async () => {
    await task.destroy();
  };
}
