import type { Move } from '../../fleet/coordination.ts';
import type { Assignment } from '../../fleet/records.ts';
import type { Verdict } from './verdict.ts';

/** An owner that has not released a workspace after so long keeps it, milliseconds. */
const RELEASE_PATIENCE = 120_000;

/** A target that has not claimed after so long ends the move; the failover drives the assignment on. Milliseconds. */
const ADOPT_PATIENCE = 60_000;

/** An order is given again after so long, milliseconds: an emptied Redis loses orders. */
const ORDER_INTERVAL = 5000;

/** How a move stands. */
export interface MoveSituation {
  move: Move;
  assignment: Assignment | undefined;
  /** Milliseconds that this router has seen it in its state. */
  inState: number;
  /** Milliseconds since this router gave its order; null where it did not. */
  orderedFor: number | null;
  /** What is concluded about the instance it comes from. */
  fromVerdict: Verdict | undefined;
}

/** What is to be done for a move now. */
export type MoveStep =
  | { kind: 'none' }
  /** Its owner is asked to hand it over. */
  | { kind: 'order'; epoch: number; to: string }
  /** Its owner is gone: it is taken over for the target. */
  | { kind: 'take_over'; epoch: number; to: string }
  /** It changes; its order is taken back where it ended without having been followed. */
  | { kind: 'change'; changes: Partial<Move>; withdraw: boolean };

/** What becomes of a queued move that may begin, with this target. Pure. */
export function beginMove({ move, assignment, fromVerdict }: MoveSituation, to: string): MoveStep {
  if (!assignment) return failed('the workspace is no longer there');
  if (assignment.instance === to && assignment.claimed) return done(assignment);
  if (assignment.instance !== move.from) return leftMeanwhile(move, assignment);
  if (fromVerdict === 'dead' || fromVerdict === 'revoke') {
    if (move.reason === 'move') return { kind: 'take_over', epoch: assignment.epoch, to };
    return failed(`${move.from} was lost: its workspaces are taken over`);
  }
  if (!assignment.claimed) return { kind: 'none' };
  return {
    kind: 'change',
    changes: { state: 'closing', to, from_epoch: assignment.epoch },
    withdraw: false,
  };
}

/**
 * What a move that is under way needs now. Pure.
 *
 *     queued ──begin──> closing ──handed over──> adopting ──claimed──> done
 *        │                 │                        │
 *        └── its owner was lost, or it went elsewhere, or it took too long ──> failed
 */
export function stepMove(situation: MoveSituation): MoveStep {
  const { move, assignment, inState, orderedFor, fromVerdict } = situation;
  const { from, to } = move;
  if (!assignment) return failed('the workspace is no longer there', move.state === 'closing');
  if (to === null) return failed('it has no target');
  const isThere = assignment.instance === to && assignment.epoch > (move.from_epoch ?? 0);
  if (isThere && assignment.claimed) return done(assignment);
  if (move.state === 'adopting') {
    if (!isThere) return leftMeanwhile(move, assignment);
    if (inState < ADOPT_PATIENCE) return { kind: 'none' };
    return failed(`${to} did not claim it in ${ADOPT_PATIENCE / 1000} s; the failover drives it on`);
  }
  if (isThere)
    return { kind: 'change', changes: { state: 'adopting', to_epoch: assignment.epoch }, withdraw: false };
  if (assignment.instance !== from) return leftMeanwhile(move, assignment);
  if (fromVerdict === 'dead' || fromVerdict === 'revoke')
    return failed(`${from} was lost before it released it: it is taken over`, true);
  if (assignment.epoch !== move.from_epoch)
    return failed(`${from} claimed it anew: it was restarted, or ${to} was not there to take it`, true);
  if (inState >= RELEASE_PATIENCE)
    return failed(`${from} did not release it in ${RELEASE_PATIENCE / 1000} s; it stays there`, true);
  if (orderedFor === null || orderedFor >= ORDER_INTERVAL)
    return { kind: 'order', epoch: assignment.epoch, to };
  return { kind: 'none' };
}

/** Where only the leaving mattered, having left is enough. */
function leftMeanwhile(move: Move, assignment: Assignment): MoveStep {
  const onlyAway = move.reason === 'drain' || move.reason === 'hand_over';
  if (onlyAway && assignment.claimed && assignment.instance !== move.from) return done(assignment);
  if (onlyAway && !assignment.claimed && move.state === 'queued') return { kind: 'none' };
  return failed(`it is on ${assignment.instance} now, by other means`);
}

function done({ instance, epoch }: Assignment): MoveStep {
  return { kind: 'change', changes: { state: 'done', to: instance, to_epoch: epoch }, withdraw: false };
}

function failed(error: string, withdraw = false): MoveStep {
  return { kind: 'change', changes: { state: 'failed', error }, withdraw };
}
