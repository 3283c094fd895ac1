import pMap from 'p-map';
import type { Clock } from '../common/clock.ts';
import { WharfError } from '../common/errors.ts';
import type { Logger } from '../common/logger.ts';
import type { ClaimStore } from '../fleet/claims.ts';
import type { WorkspaceId } from '../fleet/ids.ts';
import type { Assignment } from '../fleet/records.ts';
import { STORAGE_CONCURRENCY } from './storage-concurrency.ts';

/** Who claims. */
export interface Identity {
  instance: string;
  incarnation: string;
  host: string;
}

/** How often a claim is tried again when somebody else took the epoch at the same moment. */
const CLAIM_TRIES = 5;

/** The workspaces this incarnation owns, each at its epoch. */
export class Ownership {
  readonly #claims: ClaimStore;
  readonly #me: Identity;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #onClaim: (assignment: Assignment) => void;
  readonly #epochs = new Map<WorkspaceId, number>();
  readonly #claiming = new Map<WorkspaceId, Promise<number>>();

  /** @param onClaim hears of every claim, to record it in Redis */
  constructor(
    claims: ClaimStore,
    me: Identity,
    clock: Clock,
    log: Logger,
    onClaim: (assignment: Assignment) => void,
  ) {
    this.#claims = claims;
    this.#me = me;
    this.#clock = clock;
    this.#log = log;
    this.#onClaim = onClaim;
  }

  /** Everything owned, as assignments. */
  assignments(): Assignment[] {
    return [...this.#epochs].map(([workspace, epoch]) => this.#assignment(workspace, epoch));
  }

  /** The epoch at which this incarnation owns a workspace. Throws `not_owner`. */
  epoch(workspace: WorkspaceId): number {
    const epoch = this.#epochs.get(workspace);
    if (epoch === undefined) throw this.#notOwner(workspace);
    return epoch;
  }

  /**
   * Owns a workspace that nobody owned, or owns it already.
   *
   * @throws WharfError `not_owner`, with the instance that owns it, when it is another's; `storage_unavailable`
   */
  async adopt(workspace: WorkspaceId): Promise<number> {
    const known = this.#epochs.get(workspace);
    if (known !== undefined) return known;
    const running = this.#claiming.get(workspace);
    if (running) return await running;
    const claiming = this.#claim(workspace).finally(() => this.#claiming.delete(workspace));
    this.#claiming.set(workspace, claiming);
    return await claiming;
  }

  /** Claims anew what an earlier incarnation of this instance owned. Every incarnation raises the epoch. */
  async reclaim(): Promise<WorkspaceId[]> {
    const reclaimed = await pMap(
      await this.#claims.workspaces(),
      async (workspace) => {
        const highest = await this.#claims.highest(workspace);
        if (highest?.lastReadable?.instance !== this.#me.instance) return [];
        await this.adopt(workspace);
        return [workspace];
      },
      { concurrency: STORAGE_CONCURRENCY },
    );
    return reclaimed.flat();
  }

  async #claim(workspace: WorkspaceId): Promise<number> {
    for (let attempt = 0; attempt < CLAIM_TRIES; attempt += 1) {
      const highest = await this.#claims.highest(workspace);
      // A claim that cannot be read takes its epoch, but says nothing against the owner before it.
      const owner = highest?.lastReadable?.instance;
      if (owner !== undefined && owner !== this.#me.instance) throw this.#notOwner(workspace, owner);
      const epoch = (highest?.epoch ?? 0) + 1;
      const won = await this.#claims.create({
        workspace_id: workspace,
        epoch,
        ...this.#me,
        claimed_at: new Date(this.#clock.now()).toISOString(),
      });
      if (!won) continue;
      this.#epochs.set(workspace, epoch);
      this.#log.info({ workspace, epoch }, 'owns the workspace');
      this.#onClaim(this.#assignment(workspace, epoch));
      return epoch;
    }
    throw this.#notOwner(workspace);
  }

  #assignment(workspace: WorkspaceId, epoch: number): Assignment {
    return { workspace_id: workspace, epoch, instance: this.#me.instance, incarnation: this.#me.incarnation, claimed: true, since: 0 };
  }

  #notOwner(workspace: WorkspaceId, owner?: string): WharfError {
    return new WharfError(
      'not_owner',
      `${this.#me.instance} does not own workspace ${workspace}${owner ? `; ${owner} does` : ''}.`,
      {
        ...(owner === undefined ? {} : { extra: { owner } }),
      },
    );
  }
}
