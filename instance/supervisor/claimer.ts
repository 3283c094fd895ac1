import pMap from 'p-map';
import type { Clock } from '../../common/clock.ts';
import { isWharfError, messageOf, WharfError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { assignmentOf, type ClaimStore } from '../../fleet/claims.ts';
import type { Coordination } from '../../fleet/coordination.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import type { OwnershipTimes } from '../../fleet/ownership-times.ts';
import type { Patience } from '../../fleet/patience.ts';
import type { Assignment, Claim } from '../../fleet/records.ts';
import { type Adopter, claimOf, type Occasion, planAdoption } from './adoption.ts';
import type { Authority } from './authority.ts';
import type { Worker } from './worker.ts';

/** Adoptions under way at one time while an instance claims anew what it had. */
const CONCURRENCY = 8;

/** What a claimer needs. */
export interface ClaimerParts {
  me: Adopter;
  authority: Authority;
  coordination: Coordination;
  claims: ClaimStore;
  worker: Worker;
  patience: Patience;
  clock: Clock;
  times: OwnershipTimes;
  log: Logger;
  /** True from when nothing more may be begun. */
  over: () => boolean;
}

/** Claims workspaces and grants them to the worker, and ends what is owned no longer: for each workspace one thing after the other. */
export class Claimer {
  readonly #parts: ClaimerParts;
  #me: Adopter;
  readonly #busy = new Map<WorkspaceId, Promise<unknown>>();
  #claimed = 0;

  constructor(parts: ClaimerParts) {
    this.#parts = parts;
    this.#me = parts.me;
  }

  /** Claims made so far. */
  get claimed(): number {
    return this.#claimed;
  }

  /** Whether a workspace is being adopted, or its browsers ended. */
  isBusy(workspace: WorkspaceId): boolean {
    return this.#busy.has(workspace);
  }

  /** Adopts a workspace if it may. Never throws: what failed is found again at the next renewal. */
  async adopt(workspace: WorkspaceId, occasion: Occasion): Promise<void> {
    await this.#inTurn(workspace, () => this.#adopt(workspace, occasion)).catch((error: unknown) =>
      this.#parts.log.warn({ workspace, reason: messageOf(error) }, 'the workspace was not claimed'),
    );
  }

  /**
   * Adopts a workspace that nobody owned, and answers its epoch. Of one that is owned already the claim is written again where the storage has lost it.
   * Throws `not_owner`, `storage_unavailable`.
   */
  async claimFirst(workspace: WorkspaceId): Promise<number> {
    const owned = () => this.#parts.authority.get(workspace)?.epoch;
    if (owned() !== undefined) await this.#inTurn(workspace, () => this.#replaceLost(workspace));
    const known = owned();
    if (known !== undefined) return known;
    await this.#inTurn(workspace, () => this.#adopt(workspace, { kind: 'first' }));
    const epoch = owned();
    if (epoch === undefined)
      throw new WharfError('not_owner', `${this.#me.instance} does not own workspace ${workspace}.`);
    return epoch;
  }

  /**
   * Claims anew what this instance owned, but for what is being taken over from it. One that cannot be claimed holds up no other.
   *
   * @throws WharfError `storage_unavailable`: then some of it was not claimed
   */
  async reclaim(): Promise<void> {
    const { authority, claims, coordination, patience, over } = this.#parts;
    const workspaces = await patience.storage(claims.workspaces());
    const assignments = await patience.redis(coordination.assignments()).catch((): Assignment[] => []);
    const elsewhere = new Map(
      assignments
        .filter(({ instance }) => instance !== this.#me.instance)
        .map((a) => [a.workspace_id, a.epoch]),
    );
    const failures: unknown[] = [];
    const reclaim = async (workspace: WorkspaceId) => {
      if (over() || authority.get(workspace)) return;
      const highest = await patience.storage(claims.highest(workspace));
      if (highest?.lastReadable?.instance !== this.#me.instance) return;
      if ((elsewhere.get(workspace) ?? 0) > highest.epoch) return;
      await this.#inTurn(workspace, () => this.#adopt(workspace, { kind: 'reclaim' }));
    };
    const noted = (error: unknown) => {
      if (!isWharfError(error, 'not_owner')) failures.push(error);
    };
    await pMap(workspaces, (workspace) => reclaim(workspace).catch(noted), { concurrency: CONCURRENCY });
    if (failures.length > 0) throw failures[0];
  }

  /** Has the worker kill what is owned no longer, before anything else is done with the workspace. */
  end(workspace: WorkspaceId, epoch: number): void {
    void this.#inTurn(workspace, async () => {
      if (await this.#parts.worker.kill(workspace, epoch).catch(() => false)) return;
      // Something may still write to its profiles: whatever is claimed from here on is treated as another host's.
      this.#me = { ...this.#me, predecessorsEnded: false };
      this.#parts.log.error({ workspace }, 'browsers of a workspace that is no longer owned do not end');
    });
  }

  /** What a claim at this epoch is in Redis. */
  assignment(workspace: WorkspaceId, epoch: number): Assignment {
    return assignmentOf(workspace, { ...this.#me, epoch });
  }

  async #adopt(workspace: WorkspaceId, occasion: Occasion): Promise<void> {
    const { authority, claims, coordination, patience, clock, worker, times, log, over } = this.#parts;
    if (over() || authority.get(workspace)) return;
    const asked = clock.monotonic();
    const plan = planAdoption(this.#me, await patience.storage(claims.highest(workspace)), occasion);
    if (plan.kind === 'foreign') throw await this.#foreign(workspace, plan.claim);
    const { epoch, generation, released } = plan;
    const won = await patience.storage(claims.create(claimOf(this.#me, workspace, plan, clock.now())));
    if (!won || over()) return;
    const returned = clock.monotonic();
    const startAt = plan.wait ? returned + times.wait : returned;
    const owned = authority.add({ workspace, epoch, generation }, asked, startAt);
    this.#claimed += 1;
    // Redis may be away, or slow: the claim holds without it.
    const recorded = await patience
      .redis(coordination.recordAssignment(this.assignment(workspace, epoch)))
      .catch(() => true);
    // An order may have come for it meanwhile.
    if (!authority.holds(owned) || owned.state !== 'running' || over()) return;
    if (!recorded) {
      // Assigned elsewhere meanwhile. Nothing of it ran: where nothing of the owner before can, whoever claims it next need not wait.
      authority.remove(owned);
      if (!plan.wait) await patience.storage(claims.release(workspace, epoch));
      return;
    }
    log.info(
      { workspace, epoch, generation, occasion: occasion.kind, wait_ms: plan.wait ? times.wait : 0 },
      'owns the workspace',
    );
    worker.run({ workspace, epoch, generation, released, startAt, until: authority.until(owned) });
  }

  /** Storage that was wiped under a running fleet proves nothing, and once Redis is away too nobody would own the workspace. A claim above it decides as ever. */
  async #replaceLost(workspace: WorkspaceId): Promise<void> {
    const { authority, claims, clock, log, patience } = this.#parts;
    const owned = authority.get(workspace);
    if (!owned || ((await patience.storage(claims.highest(workspace)))?.epoch ?? 0) >= owned.epoch) return;
    const written = await patience.storage(claims.create(claimOf(this.#me, workspace, owned, clock.now())));
    if (written)
      log.warn({ workspace, epoch: owned.epoch }, 'its claim was not on the storage any more, and is again');
  }

  /** Redis fell behind the storage, and is told. */
  async #foreign(workspace: WorkspaceId, claim: Claim): Promise<WharfError> {
    const { coordination, patience } = this.#parts;
    await patience.redis(coordination.recordAssignment(assignmentOf(workspace, claim))).catch(() => {});
    return new WharfError(
      'not_owner',
      `${this.#me.instance} does not own workspace ${workspace}; ${claim.instance} does.`,
      { extra: { owner: claim.instance } },
    );
  }

  #inTurn<T>(workspace: WorkspaceId, task: () => Promise<T>): Promise<T> {
    const mine = (this.#busy.get(workspace) ?? Promise.resolve()).then(task, task);
    const done: Promise<void> = mine
      .then(
        () => {},
        () => {},
      )
      .finally(() => {
        if (this.#busy.get(workspace) === done) this.#busy.delete(workspace);
      });
    this.#busy.set(workspace, done);
    return mine;
  }
}
