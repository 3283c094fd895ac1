import pMap from 'p-map';
import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { assignmentOf, type ClaimStore } from '../../fleet/claims.ts';
import type { Coordination } from '../../fleet/coordination.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import type { OwnershipTimes } from '../../fleet/ownership-times.ts';
import { Patience } from '../../fleet/patience.ts';
import type { Assignment } from '../../fleet/records.ts';

/** Looks at the storage at one time, and calls of it that may hang without an answer: of Node's four threads some must stay free. */
const LOOKS = 2;

/** What failed is tried again after so long, and all is compared again after so long anyway; milliseconds. */
const AGAIN = 10_000;
const EVERY = 600_000;

/** What a rebuild is made of. */
export interface RebuildParts {
  coordination: Pick<Coordination, 'assignments' | 'recordAssignment' | 'forgetAssignment'>;
  claims: Pick<ClaimStore, 'workspaces' | 'highest'>;
  clock: Clock;
  times: OwnershipTimes;
  log: Logger;
}

/**
 * Makes Redis say what the shared storage says: after it was emptied, or a replica that had missed writes took its place, the workspaces of
 * instances that are not there to say so themselves would belong to nobody. Runs beside the ticks, and holds up none.
 */
export class Rebuild {
  readonly #parts: RebuildParts;
  readonly #patience: Patience;
  #running: Promise<void> | undefined;
  #due = true;
  #triedAt = Number.NEGATIVE_INFINITY;
  #doneAt = Number.NEGATIVE_INFINITY;
  /** Calls of the storage that have not come back. */
  #pending = 0;

  constructor(parts: RebuildParts) {
    this.#parts = parts;
    this.#patience = new Patience(parts.clock, parts.times);
  }

  /** Redis may know less than the storage. */
  request(): void {
    this.#due = true;
  }

  /** Begins a rebuild where one is due and none runs. */
  tick(): void {
    const now = this.#parts.clock.monotonic();
    if (now - this.#doneAt >= EVERY) this.#due = true;
    if (!this.#due || this.#running || now - this.#triedAt < AGAIN || this.#pending >= LOOKS) return;
    this.#due = false;
    this.#triedAt = now;
    this.#running = this.#run()
      .catch((error: unknown) => {
        this.#due = true;
        this.#parts.log.warn({ reason: messageOf(error) }, 'Redis is not compared with the storage yet');
      })
      .finally(() => {
        this.#running = undefined;
      });
  }

  async #run(): Promise<void> {
    const { coordination, claims, clock, log } = this.#parts;
    const assignments = await this.#patience.redis(coordination.assignments());
    const known = new Map(assignments.map((each) => [each.workspace_id, each]));
    // Read after the assignments: a workspace has its directory before it has an assignment.
    const workspaces = await this.#look(() => claims.workspaces());
    const there = new Set(workspaces);
    let recorded = 0;
    let failed: unknown;
    await pMap(
      workspaces,
      async (workspace) => {
        try {
          recorded += Number(await this.#compare(workspace, known.get(workspace)));
        } catch (error) {
          // One that cannot be read holds up no other.
          failed ??= error;
        }
      },
      { concurrency: LOOKS },
    );
    let forgotten = 0;
    for (const { workspace_id, epoch } of assignments) {
      if (there.has(workspace_id) || (await this.#look(() => claims.highest(workspace_id)))) continue;
      await this.#patience.redis(coordination.forgetAssignment(workspace_id, epoch));
      forgotten += 1;
    }
    if (failed !== undefined) throw failed;
    this.#doneAt = clock.monotonic();
    if (recorded + forgotten > 0)
      log.info(
        { workspaces: workspaces.length, recorded, forgotten },
        'Redis was made to say what the storage says',
      );
  }

  /** True where Redis knew less. */
  async #compare(workspace: WorkspaceId, known: Assignment | undefined): Promise<boolean> {
    const { claims, coordination } = this.#parts;
    const claim = (await this.#look(() => claims.highest(workspace)))?.lastReadable;
    if (!claim || claim.epoch < (known?.epoch ?? 0)) return false;
    if (known?.epoch === claim.epoch && known.claimed) return false;
    return await this.#patience.redis(coordination.recordAssignment(assignmentOf(workspace, claim)));
  }

  async #look<T>(look: () => Promise<T>): Promise<T> {
    this.#pending += 1;
    const looking = look().finally(() => {
      this.#pending -= 1;
    });
    return await this.#patience.storage(looking);
  }
}
