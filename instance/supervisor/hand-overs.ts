import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { ClaimStore } from '../../fleet/claims.ts';
import type { Coordination, LeaseHolder, Order } from '../../fleet/coordination.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import type { Patience } from '../../fleet/patience.ts';
import type { Authority, Owned } from './authority.ts';
import type { Worker } from './worker.ts';

/** What hand-overs need. */
export interface HandOverParts {
  holder: LeaseHolder;
  authority: Authority;
  coordination: Coordination;
  claims: ClaimStore;
  worker: Worker;
  patience: Patience;
  clock: Pick<Clock, 'monotonic'>;
  log: Logger;
  /** Takes a workspace that was released back: its target is gone, or the order was taken back. */
  readopt: (workspace: WorkspaceId) => void;
  /** Owns it no longer, and has what may still run of it ended first. */
  drop: (owned: Owned) => void;
  handedOver: () => void;
}

/** Clean hand-overs: close, release, assign to the target. Each step is found again at the next renewal if it did not come to its end. */
export class HandOvers {
  readonly #parts: HandOverParts;
  readonly #underWay = new Set<WorkspaceId>();

  constructor(parts: HandOverParts) {
    this.#parts = parts;
  }

  /** All orders there are now. What was closed, well or not, and is ordered no longer is taken back: else nobody would ever run it. */
  follow(orders: readonly Order[]): void {
    for (const order of orders) this.begin(order);
    const ordered = new Map(orders.map(({ workspace, epoch }) => [workspace, epoch]));
    for (const owned of this.#parts.authority.all()) {
      const { workspace, epoch, state } = owned;
      if (state === 'running' || ordered.get(workspace) === epoch || this.#underWay.has(workspace)) continue;
      this.#parts.log.warn(
        { workspace, epoch },
        'it is to be handed over no longer: the workspace is taken back',
      );
      this.#takeBack(owned);
    }
  }

  /** Follows one order; one for another epoch, or for what is not owned, means nothing. */
  begin(order: Order): void {
    const owned = this.#parts.authority.get(order.workspace);
    if (!owned || owned.epoch !== order.epoch || this.#underWay.has(order.workspace)) return;
    this.#underWay.add(order.workspace);
    this.#handOver(owned, order)
      .catch((error: unknown) =>
        this.#parts.log.warn(
          { workspace: order.workspace, to: order.to, reason: messageOf(error) },
          'the hand-over did not come to its end; tried again',
        ),
      )
      .finally(() => this.#underWay.delete(order.workspace));
  }

  async #handOver(owned: Owned, order: Order): Promise<void> {
    const { authority, claims, coordination, worker, holder, patience, clock, log } = this.#parts;
    const { workspace, epoch } = owned;
    if (owned.state !== 'released') {
      owned.state = 'closing';
      const ended = await worker.close(workspace, epoch);
      if (!authority.holds(owned)) return;
      if (!ended) throw new Error('its browsers were not seen to end');
      // Not noted, the next owner waits as this one did.
      if (clock.monotonic() >= owned.clearAt) await patience.storage(claims.release(workspace, epoch));
      if (!authority.holds(owned)) return;
      owned.state = 'released';
      log.info({ workspace, epoch, to: order.to }, 'closed and released the workspace');
    }
    if (order.to === null) {
      authority.remove(owned);
      return;
    }
    const outcome = await patience.redis(
      coordination.handOver(workspace, epoch, holder.incarnation, order.to),
    );
    if (!authority.holds(owned)) return;
    if (outcome === 'epoch_changed' || outcome === 'not_yours') {
      // It was assigned anew meanwhile; if to this instance, the next renewal says so.
      authority.remove(owned);
      return;
    }
    if (typeof outcome !== 'number') {
      log.warn(
        { workspace, to: order.to, why: outcome },
        'the hand-over was refused: the workspace is taken back',
      );
      this.#takeBack(owned);
      return;
    }
    authority.remove(owned);
    this.#parts.handedOver();
    log.info({ workspace, epoch: outcome, to: order.to }, 'handed the workspace over');
    await coordination.poke(order.to).catch(() => {});
  }

  /** It is claimed anew, since a release is for ever: whoever saw it may go on from there without a wait. */
  #takeBack(owned: Owned): void {
    if (owned.state === 'closing') this.#parts.drop(owned);
    else this.#parts.authority.remove(owned);
    this.#parts.readopt(owned.workspace);
  }
}
