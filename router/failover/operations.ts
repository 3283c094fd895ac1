import type { Clock } from '../../common/clock.ts';
import { WharfError } from '../../common/errors.ts';
import type { Coordination, Move } from '../../fleet/coordination.ts';
import { hasEnded } from '../../fleet/coordination-rules.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import type { OwnershipTimes } from '../../fleet/ownership-times.ts';
import { Patience } from '../../fleet/patience.ts';
import type { ShardStrategy } from '../../fleet/placement.ts';
import type { FleetFacts, FleetSettings } from './facts.ts';
import { newMove, newMoves, type PlannedMove } from './move-ids.ts';
import { planDrain, planRebalance, refuseMove } from './move-planner.ts';
import { type OrderSender, orderSenderUrl } from './order-sender.ts';
import { type Candidate, candidatesOf } from './targets.ts';
import type { FleetEvent, FleetView } from './view.ts';

/** What operations work with. */
export interface OperationParts {
  coordination: Coordination;
  settings: FleetSettings;
  facts: FleetFacts;
  orders: OrderSender;
  clock: Clock;
  times: OwnershipTimes;
  instanceCount: number;
  shardStrategy: ShardStrategy;
  /** How it stands, as this router's leader sees it. */
  view: () => FleetView;
  events: () => readonly FleetEvent[];
  /** Wakes this router's leader: what was asked for begins at once where it leads, else within a second. */
  wake: () => void;
  /** Random, for ids; at least 8 characters. */
  random: () => string;
}

/** The answer to a change that is made of moves. */
export interface Moves {
  moves: Move[];
}

/**
 * What operators do with a fleet. Every router answers it: it writes down what is wanted, and the leader brings it about.
 *
 * Every method throws `redis_unavailable` or `storage_unavailable` where what it needs is away.
 */
export class FleetOperations {
  readonly #parts: OperationParts;
  readonly #patience: Patience;

  constructor(parts: OperationParts) {
    this.#parts = parts;
    this.#patience = new Patience(parts.clock, { ...parts.times, redis: parts.times.redis * 2 });
  }

  /** How it stands now, from memory. */
  status(): FleetView {
    return this.#parts.view();
  }

  /** What happened, oldest first; the last two hundred. */
  events(): readonly FleetEvent[] {
    return this.#parts.events();
  }

  /** All moves that run, and the last that ended; oldest first. */
  moves(): Promise<Move[]> {
    return this.#patience.redis(this.#parts.coordination.moves());
  }

  /**
   * Moves a workspace. Asked for again while it runs, it is the same move. Moving takes a workspace out of quarantine.
   *
   * @throws WharfError `not_found` for a workspace without an owner and for an instance that is not there; `invalid_state` (409) where it is
   *   on that instance already, on its way elsewhere, or the instance drains, is dead or has an older Chromium; `no_capacity` where it is full
   */
  async requestMove(workspace: WorkspaceId, to: string): Promise<Move> {
    const { coordination, settings, clock } = this.#parts;
    const assignment = await this.#patience.redis(coordination.assignment(workspace));
    if (!assignment) {
      throw new WharfError(
        'not_found',
        `Workspace ${workspace} is on no instance: it has no sessions yet. Make one first.`,
      );
    }
    const running = (await this.moves()).find((move) => move.workspace === workspace && !hasEnded(move));
    if (running?.to === to) return running;
    if (running) {
      throw new WharfError(
        'invalid_state',
        `Workspace ${workspace} is on its way from ${running.from} to ${running.to ?? 'where there is room'} (${running.id}). Wait until that has ended: GET /api/fleet/moves.`,
      );
    }
    const candidates = await this.#candidates();
    const refusal = refuseMove({ workspace, assignment, to, candidates, facts: this.#parts.facts });
    if (refusal) throw new WharfError(refusal.code, refusal.text);
    const wanted: PlannedMove = { workspace, from: assignment.instance, to, reason: 'move' };
    const move = newMove(wanted, clock.now(), this.#parts.random);
    await this.#saveNew([move]);
    // After it is written down: else the failover might place it first, and elsewhere.
    if (settings.current().quarantined.has(workspace)) await settings.setQuarantined(workspace, false);
    return move;
  }

  /**
   * Empties an instance and keeps it empty, until {@link FleetOperations.undrain}. Asked for again, it moves what is there now.
   *
   * @throws WharfError `not_found` for an instance that is not there; `invalid_state` (409) for the last that takes workspaces; `no_capacity`
   *   where the others have no room for what it has
   */
  async drain(instance: string): Promise<Moves> {
    const { coordination, settings, facts } = this.#parts;
    const candidates = await this.#candidates();
    const [assignments, moves] = await Promise.all([
      this.#patience.redis(coordination.assignments()),
      this.moves(),
    ]);
    const plan = planDrain({ instance, candidates, assignments, moves, facts });
    if ('code' in plan) throw new WharfError(plan.code, plan.text);
    await settings.setDraining(instance, true);
    return { moves: await this.#begin(plan.moves, moves, instance) };
  }

  /** Lets an instance take workspaces again; moves away from it that have not begun are taken back. One that begins at this moment goes on. Throws `not_found`. */
  async undrain(instance: string): Promise<void> {
    const { settings, coordination, clock } = this.#parts;
    this.#require(instance, await this.#candidates());
    await settings.setDraining(instance, false);
    for (const move of await this.moves()) {
      if (move.from !== instance || move.reason !== 'drain' || move.state !== 'queued') continue;
      const ended = new Date(clock.now()).toISOString();
      const error = `${instance} is no longer drained`;
      const takenBack: Move = { ...move, state: 'failed', ended_at: ended, error };
      await this.#patience.redis(coordination.saveMove(takenBack, 'queued'));
    }
    this.#parts.wake();
  }

  /** Brings home what is elsewhere, where home takes it and has room; nothing else is moved. */
  async rebalance(): Promise<Moves> {
    const { coordination, facts, instanceCount, shardStrategy } = this.#parts;
    const candidates = await this.#candidates();
    const [assignments, moves] = await Promise.all([
      this.#patience.redis(coordination.assignments()),
      this.moves(),
    ]);
    const plan = planRebalance({ candidates, assignments, moves, facts, instanceCount, shardStrategy });
    return { moves: await this.#begin(plan.moves, moves, null) };
  }

  /** Takes over all that is lost, however much that is: until none is lost any more. */
  async unfreeze(): Promise<void> {
    await this.#parts.settings.setUnfrozen(true);
    this.#parts.wake();
  }

  /**
   * Has an instance's process started anew by its supervisor. It keeps its workspaces: drain it first where no request may fail.
   *
   * @throws WharfError `not_found` for an instance that is not there; `instance_unavailable` where it does not answer
   */
  async restart(instance: string): Promise<void> {
    const { facts, orders } = this.#parts;
    this.#require(instance, await this.#candidates());
    await orders.restart(orderSenderUrl(facts, instance));
  }

  /** Writes moves down and wakes the leader; those that run already are told too. */
  async #begin(
    planned: readonly PlannedMove[],
    known: readonly Move[],
    from: string | null,
  ): Promise<Move[]> {
    const { clock, random } = this.#parts;
    const begun = newMoves(planned, clock.now(), random);
    await this.#saveNew(begun);
    const running = known.filter((move) => !hasEnded(move) && from !== null && move.from === from);
    return [...running, ...begun];
  }

  async #saveNew(moves: readonly Move[]): Promise<void> {
    for (const move of moves) await this.#patience.redis(this.#parts.coordination.saveMove(move, null));
    this.#parts.wake();
  }

  async #candidates(): Promise<Candidate[]> {
    const { coordination, settings, facts, view } = this.#parts;
    // Another router may have drained one a moment ago: the last instance must not be drained by two routers.
    await this.#patience.storage(settings.reread());
    const assignments = await this.#patience.redis(coordination.assignments());
    return candidatesOf({
      views: view().instances,
      facts,
      assignments,
      draining: settings.current().draining,
    });
  }

  #require(instance: string, candidates: readonly Candidate[]): void {
    if (candidates.some(({ id }) => id === instance)) return;
    throw new WharfError('not_found', `There is no instance ${instance}. GET /api/fleet lists them.`);
  }
}
