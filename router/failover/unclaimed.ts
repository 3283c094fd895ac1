import type { WorkspaceId } from '../../fleet/ids.ts';
import type { Assignment } from '../../fleet/records.ts';

/** Since when assignments have been seen unclaimed. Times are milliseconds on the monotonic clock. */
export class Unclaimed {
  readonly #seen = new Map<WorkspaceId, { epoch: number; since: number }>();

  get size(): number {
    return this.#seen.size;
  }

  /** Takes in all assignments there are. */
  note(assignments: readonly Assignment[], now: number): void {
    const unclaimed = assignments.filter(({ claimed }) => !claimed);
    const names = new Set(unclaimed.map(({ workspace_id }) => workspace_id));
    for (const workspace of this.#seen.keys()) if (!names.has(workspace)) this.#seen.delete(workspace);
    for (const { workspace_id, epoch } of unclaimed) {
      if (this.#seen.get(workspace_id)?.epoch !== epoch) this.#seen.set(workspace_id, { epoch, since: now });
    }
  }

  /** How long an assignment has been seen unclaimed at its epoch. */
  lasts({ workspace_id, epoch }: Assignment, now: number): number {
    const seen = this.#seen.get(workspace_id);
    return seen?.epoch === epoch ? now - seen.since : 0;
  }
}
