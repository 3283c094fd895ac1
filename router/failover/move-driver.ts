import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Coordination, Move } from '../../fleet/coordination.ts';
import { hasEnded } from '../../fleet/coordination-rules.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import type { OwnershipTimes } from '../../fleet/ownership-times.ts';
import { Patience } from '../../fleet/patience.ts';
import type { Assignment } from '../../fleet/records.ts';
import type { FleetFacts } from './facts.ts';
import { newMoves } from './move-ids.ts';
import { drainMoves, MOVE_LIMITS, planBeginnings } from './move-planner.ts';
import { beginMove, type MoveSituation, type MoveStep, stepMove } from './move-steps.ts';
import type { FailoverRecorder } from './recorder.ts';
import type { Candidate } from './targets.ts';

/** What drives moves is made of. */
export interface MoveDriverParts {
  coordination: Coordination;
  facts: FleetFacts;
  clock: Clock;
  times: OwnershipTimes;
  recorder: FailoverRecorder;
  log: Logger;
  random: () => string;
}

/** What a tick knows. */
export interface MoveRound {
  moves: readonly Move[];
  assignments: readonly Assignment[];
  candidates: readonly Candidate[];
  /** Workspaces that are left alone this time. */
  except: ReadonlySet<WorkspaceId>;
  /** Instances that are to be emptied: by an operator's drain, or since no router reaches them. */
  emptied: readonly { instance: string; reason: 'drain' | 'hand_over' }[];
}

/** A workspace whose move away failed is left for so long before the next one, milliseconds. */
const AGAIN_AFTER: Readonly<Record<'drain' | 'hand_over', number>> = { drain: 60_000, hand_over: 300_000 };

/**
 * Drives moves from what is seen, never from what was done: a leader that dies between two steps leaves them to the next one. Everything is
 * fenced by the epoch, so that two leaders at once do no harm; and a move that was taken back, or further, since it was read stays so.
 */
export class MoveDriver {
  readonly #parts: MoveDriverParts;
  readonly #patience: Patience;
  /** When each move was first seen in its state, and when its order was given; monotonic. */
  readonly #seen = new Map<string, { state: Move['state']; since: number; orderedAt: number | null }>();

  constructor(parts: MoveDriverParts) {
    this.#parts = parts;
    this.#patience = new Patience(parts.clock, parts.times);
  }

  /** Takes every move a step further. True where it changed something, or somebody else did meanwhile. Throws `redis_unavailable`. */
  async drive(round: MoveRound): Promise<boolean> {
    const { facts } = this.#parts;
    this.#look(round.moves);
    const isLeft = ({ workspace }: Move) => !round.except.has(workspace);
    const wanted = this.#wanted(round).filter(isLeft);
    for (const move of wanted) await this.#save(move, null);
    const moves = [...round.moves, ...wanted];
    const assignments = new Map(round.assignments.map((each) => [each.workspace_id, each]));
    const verdicts = new Map(round.candidates.map(({ id, verdict }) => [id, verdict]));
    let changed = wanted.length > 0;
    const pokes = new Set<string>();
    const situationOf = (move: Move): MoveSituation => {
      const seen = this.#seen.get(move.id);
      const now = this.#parts.clock.monotonic();
      return {
        move,
        assignment: assignments.get(move.workspace),
        inState: seen ? now - seen.since : 0,
        orderedFor: seen?.orderedAt == null ? null : now - seen.orderedAt,
        fromVerdict: verdicts.get(move.from),
      };
    };
    for (const move of moves.filter(isLeft)) {
      if (move.state !== 'closing' && move.state !== 'adopting') continue;
      changed = (await this.#take(move, stepMove(situationOf(move)), pokes)) || changed;
    }
    const { candidates } = round;
    for (const beginning of planBeginnings({ moves, candidates, facts, limits: MOVE_LIMITS })) {
      const { move } = beginning;
      if (!isLeft(move)) continue;
      // What waits may have become void meanwhile.
      let step = beginMove(situationOf(move), beginning.kind === 'begin' ? beginning.to : (move.to ?? ''));
      const isVoid = step.kind === 'change' && step.changes.state !== 'closing';
      if (beginning.kind === 'refuse' && !isVoid)
        step = { kind: 'change', changes: { state: 'failed', error: beginning.why }, withdraw: false };
      else if (beginning.kind === 'wait' && !isVoid) {
        await this.#saveWhy(move, beginning.stuck ? beginning.why : null);
        continue;
      }
      changed = (await this.#take(move, step, pokes)) || changed;
    }
    for (const instance of pokes)
      await this.#patience.redis(this.#parts.coordination.poke(instance)).catch(() => {});
    return changed;
  }

  async #take(move: Move, step: MoveStep, pokes: Set<string>): Promise<boolean> {
    const { coordination, log } = this.#parts;
    switch (step.kind) {
      case 'none':
        return false;
      case 'order':
        await this.#order(move, step.epoch, step.to);
        pokes.add(move.from);
        return true;
      case 'take_over': {
        const outcome = await this.#patience.redis(
          coordination.takeOver(move.workspace, step.epoch, step.to),
        );
        if (typeof outcome !== 'number') return false;
        pokes.add(step.to);
        const begun = { state: 'adopting', to: step.to, from_epoch: step.epoch, to_epoch: outcome } as const;
        await this.#save(this.#changed(move, begun), move.state);
        return true;
      }
      case 'change': {
        const changed = this.#changed(move, step.changes);
        if (step.withdraw)
          await this.#patience
            .redis(coordination.withdrawOrder(move.from, move.workspace))
            .catch((error: unknown) =>
              log.warn({ move: move.id, reason: messageOf(error) }, 'an order could not be taken back'),
            );
        if (!(await this.#save(changed, move.state))) return true;
        if (changed.state === 'closing' && changed.to !== null && changed.from_epoch !== null) {
          await this.#order(changed, changed.from_epoch, changed.to);
          pokes.add(changed.from);
        }
        return true;
      }
    }
  }

  async #order(move: Move, epoch: number, to: string): Promise<void> {
    const order = { workspace: move.workspace, epoch, to, move: move.id };
    await this.#patience.redis(this.#parts.coordination.order(move.from, order));
    const seen = this.#seen.get(move.id);
    if (seen) seen.orderedAt = this.#parts.clock.monotonic();
  }

  /** Has people see what a move waits for, where that does not pass by itself. */
  async #saveWhy(move: Move, why: string | null): Promise<void> {
    if (move.error !== why) await this.#save({ ...move, error: why }, move.state);
  }

  #changed(move: Move, changes: Partial<Move>): Move {
    const now = new Date(this.#parts.clock.now()).toISOString();
    // What it waited for is over.
    const changed = { ...move, error: null, ...changes };
    if (changed.state !== 'queued') changed.started_at ??= now;
    if (hasEnded(changed)) changed.ended_at = now;
    return changed;
  }

  /** False where it is no longer as it was read: then nothing is written. */
  async #save(move: Move, before: Move['state'] | null): Promise<boolean> {
    if (!(await this.#patience.redis(this.#parts.coordination.saveMove(move, before)))) return false;
    this.#look([move]);
    if (move.state === 'done' || move.state === 'failed')
      this.#parts.recorder.moveEnded(move.reason, move.state);
    return true;
  }

  /** Moves for what is on an instance that is to be empty, and not on its way yet. */
  #wanted({ emptied, assignments, moves }: MoveRound): Move[] {
    const { facts, clock, random } = this.#parts;
    const now = clock.now();
    return emptied.flatMap(({ instance, reason }) => {
      const failedLately = new Set(
        moves
          .filter((move) => move.state === 'failed' && move.from === instance && move.ended_at !== null)
          .filter(({ ended_at }) => Math.abs(now - Date.parse(ended_at ?? '')) < AGAIN_AFTER[reason])
          .map(({ workspace }) => workspace),
      );
      const planned = drainMoves(instance, assignments, moves, facts)
        .filter(({ workspace }) => !failedLately.has(workspace))
        .map((move) => ({ ...move, reason }));
      return newMoves(planned, now, random);
    });
  }

  #look(moves: readonly Move[]): void {
    const now = this.#parts.clock.monotonic();
    for (const { id, state } of moves) {
      const seen = this.#seen.get(id);
      if (seen?.state !== state)
        this.#seen.set(id, { state, since: now, orderedAt: seen?.orderedAt ?? null });
      if (state === 'done' || state === 'failed') this.#seen.delete(id);
    }
  }
}
