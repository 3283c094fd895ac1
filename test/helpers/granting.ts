import { createLogger } from '../../common/logger.ts';
import type { ClaimStore } from '../../fleet/claims.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import { OWNERSHIP_TIMES } from '../../fleet/ownership-times.ts';
import { Ownership } from '../../instance/ownership.ts';
import type { SessionManager } from '../../instance/session/session-manager.ts';
import { hostClock } from '../../instance/supervisor/host-clock.ts';
import type { Grant } from '../../instance/supervisor/worker.ts';

/** No test lasts so long. */
const DAY = 86_400_000;

interface Me {
  instance: string;
  incarnation: string;
  host: string;
}

/** Stands in for a supervisor that is always sure of what it owns: claims on the storage what is asked for, and grants it for a day. */
export class Granting {
  readonly ownership: Ownership;
  readonly #claims: ClaimStore;
  readonly #me: Me;
  #manager: SessionManager | undefined;

  constructor(claims: ClaimStore, me: Me) {
    this.#claims = claims;
    this.#me = me;
    this.ownership = new Ownership({
      instance: me.instance,
      clock: hostClock,
      lasts: OWNERSHIP_TIMES.authority,
      log: createLogger('silent', {}),
      claim: (workspace) => this.#claim(workspace),
      lapsed: (workspace, epoch) => void this.#manager?.workspaces.lapse(workspace, epoch),
    });
  }

  /** Who runs what is granted. */
  to(manager: SessionManager): void {
    this.#manager = manager;
  }

  /** Claims a workspace and has it run; answers the epoch when its sessions have been read. */
  async give(workspace: WorkspaceId, change: Partial<Grant> = {}): Promise<number> {
    const highest = await this.#claims.highest(workspace);
    const epoch = (highest?.epoch ?? 0) + 1;
    await this.#claims.create({
      workspace_id: workspace,
      epoch,
      ...this.#me,
      generation: 1,
      claimed_at: new Date().toISOString(),
    });
    const now = hostClock.monotonic();
    const grant = {
      workspace,
      epoch,
      generation: 1,
      released: false,
      startAt: now,
      until: now + DAY,
      ...change,
    };
    this.ownership.grant(grant);
    await this.#manager?.workspaces.adopt(grant);
    return epoch;
  }

  async #claim(workspace: WorkspaceId): Promise<number> {
    if (!this.ownership.workspaces().includes(workspace)) return await this.give(workspace);
    const epoch = this.ownership.epoch(workspace);
    if (await this.#claims.highest(workspace)) return epoch;
    const claimed_at = new Date().toISOString();
    await this.#claims.create({ workspace_id: workspace, epoch, ...this.#me, generation: 1, claimed_at });
    return epoch;
  }

  /**
   * Gives everything that lies on the storage.
   *
   * @param takenOver from another host: with profiles to be copied
   */
  async giveAll(takenOver?: Pick<Grant, 'released'>): Promise<void> {
    for (const workspace of await this.#claims.workspaces()) {
      const epoch = ((await this.#claims.highest(workspace))?.epoch ?? 0) + 1;
      await this.give(workspace, takenOver && { ...takenOver, generation: epoch });
    }
  }
}
