import type { Instance } from '../api/types.ts';
import { NOTHING } from '../state/text.ts';

/** An instance's state in one word: what is wrong with it, or that it drains, before what it says of itself. */
export function stateOf({ status, verdict, draining }: Instance): string {
  if (verdict !== undefined && verdict !== 'healthy' && verdict !== 'unknown') return verdict;
  return draining ? 'draining' : status;
}

/** Why it is in that state, where that needs saying. */
export function reasonOf({ verdict, verdict_reason = '' }: Instance): string {
  return verdict === undefined || verdict === 'healthy' ? '' : verdict_reason;
}

/** How old a lease is; that it is not held, where it is not. */
export function leaseText({ lease, lease_age_ms }: Instance): string {
  if (lease === undefined) return NOTHING;
  if (lease !== 'held' || typeof lease_age_ms !== 'number') return lease;
  return `${(lease_age_ms / 1000).toFixed(1)} s old`;
}
