import type { LossReason } from '../whatsapp/client.ts';

/** Every reason for which a session is lost. */
export const LOSS_REASONS = [
  'browser_gone',
  'page_crashed',
  'no_answer',
  'start_failed',
  'ready_timeout',
  'conflict',
  'unpaired',
  'disconnected',
] as const satisfies readonly LossReason[];

/** How often sessions of this instance were lost, by reason; sessions add to it. */
export type LossCounts = Record<LossReason, number>;

/** Counts at zero. */
export function newLossCounts(): LossCounts {
  return {
    browser_gone: 0,
    page_crashed: 0,
    no_answer: 0,
    start_failed: 0,
    ready_timeout: 0,
    conflict: 0,
    unpaired: 0,
    disconnected: 0,
  };
}
