import pMap from 'p-map';
import { type Clock, withinTime } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { ClaimStore, HighestClaim } from '../../fleet/claims.ts';
import type { Coordination } from '../../fleet/coordination.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import type { OwnershipTimes } from '../../fleet/ownership-times.ts';
import { Patience } from '../../fleet/patience.ts';
import type { FleetFacts } from './facts.ts';
import type { OrderSender } from './order-sender.ts';
import type { Redirect, Takeover, TakeoverPlan } from './planner.ts';
import type { FailoverRecorder } from './recorder.ts';
import type { Standing } from './watch.ts';

/** Questions to Redis or the storage at one time. */
const CONCURRENCY = 8;

/** Looks at the storage at one time: of Node's four threads some must stay free for what else needs one, even when it hangs. */
const LOOKS = 2;

/** An instance that answers by HTTP, but has no lease, is given so long to release a workspace before it is taken, milliseconds. */
const RELEASE_PATIENCE = 30_000;

/** Orders by HTTP are sent again after so long, milliseconds. */
const ORDER_INTERVAL = 5000;

/** What takeovers are made of. */
export interface TakeoverParts {
  coordination: Coordination;
  claims: Pick<ClaimStore, 'highest'>;
  facts: FleetFacts;
  orders: OrderSender;
  clock: Clock;
  times: OwnershipTimes;
  recorder: FailoverRecorder;
  log: Logger;
}

/** Carries out plans. Each step is one comparison by epoch in Redis: what another leader did meanwhile is left alone. */
export class Takeovers {
  readonly #parts: TakeoverParts;
  readonly #patience: Patience;
  /** Workspaces whose owner was asked by HTTP to release them: at which epoch, and when first. */
  readonly #asked = new Map<WorkspaceId, { epoch: number; at: number; sentAt: number }>();
  /** Assignments that were driven again: how often. */
  readonly #driven = new Map<WorkspaceId, { epoch: number; times: number }>();

  /** Looks at the storage that have not come back, waited for or not. */
  #looks = 0;

  constructor(parts: TakeoverParts) {
    this.#parts = parts;
    this.#patience = new Patience(parts.clock, parts.times);
  }

  /** How often the assignment of a workspace at an epoch was driven again. */
  driven(workspace: WorkspaceId, epoch: number): number {
    const driven = this.#driven.get(workspace);
    return driven?.epoch === epoch ? driven.times : 0;
  }

  /**
   * Takes the leases of those whose storage is bad. Their next renewal finds none; without Redis only a look at the storage could prove what
   * they own, and it does not answer: so each authority ends by itself at most `T_auth` after its last proof, which was asked for before
   * this. Whoever takes over waits `T_wait` after its claim, which is longer, and comes later.
   */
  async revoke(standings: readonly Standing[], allowed: ReadonlySet<string>): Promise<void> {
    for (const { instance, verdict, lease, holder } of standings) {
      if (verdict !== 'revoke' || lease !== 'running' || !holder || !allowed.has(instance)) continue;
      await this.#patience.redis(this.#parts.coordination.release(instance, holder.incarnation, 0));
    }
  }

  /** Does what a plan says. Gives the workspaces that were taken over, with their new epochs. */
  async carryOut({
    takeovers,
    redirects,
  }: Pick<TakeoverPlan, 'takeovers' | 'redirects'>): Promise<Map<WorkspaceId, number>> {
    const { recorder, coordination } = this.#parts;
    const ready = [
      ...takeovers.filter(({ afterRelease }) => !afterRelease),
      ...(await this.#released(takeovers.filter(({ afterRelease }) => afterRelease))),
    ];
    const taken = new Map<WorkspaceId, number>();
    const pokes = new Set<string>();
    await pMap(
      ready,
      async ({ workspace, epoch, to }) => {
        const outcome = await this.#patience.redis(coordination.takeOver(workspace, epoch, to));
        if (typeof outcome !== 'number') {
          this.#parts.log.debug({ workspace, to, why: outcome }, 'a takeover was refused');
          return;
        }
        taken.set(workspace, outcome);
        pokes.add(to);
        recorder.tookOver();
        this.#asked.delete(workspace);
      },
      { concurrency: CONCURRENCY },
    );
    for (const redirect of redirects) pokes.add(await this.#redirect(redirect));
    for (const instance of pokes) await this.#patience.redis(coordination.poke(instance)).catch(() => {});
    return taken;
  }

  /** Gives the instance to poke. */
  async #redirect(redirect: Redirect): Promise<string> {
    const { coordination, log } = this.#parts;
    const { workspace, epoch, to } = redirect;
    const times = this.driven(workspace, epoch) + 1;
    this.#driven.set(workspace, { epoch, times });
    if (redirect.kind === 'drive') {
      log.warn({ workspace, epoch, to, times }, 'an assignment is not claimed: driven again');
      return to;
    }
    const outcome = await this.#patience.redis(coordination.redirect(workspace, epoch, to));
    log.warn(
      { workspace, from: redirect.from, to, outcome },
      'an assignment is not claimed: given elsewhere',
    );
    return to;
  }

  /** Asks owners that answer by HTTP only to release; gives what is released, or was waited for long enough. */
  async #released(wanted: readonly Takeover[]): Promise<Takeover[]> {
    const { clock, log } = this.#parts;
    const now = clock.monotonic();
    const unsent = new Map<string, Takeover[]>();
    for (const takeover of wanted) {
      const { workspace, epoch, from } = takeover;
      const asked = this.#asked.get(workspace);
      if (asked?.epoch === epoch && now - asked.sentAt < ORDER_INTERVAL) continue;
      this.#asked.set(workspace, { epoch, at: asked?.epoch === epoch ? asked.at : now, sentAt: now });
      unsent.set(from, [...(unsent.get(from) ?? []), takeover]);
    }
    for (const [instance, some] of unsent) await this.#sendOrders(instance, some);
    const ready: Takeover[] = [];
    await pMap(
      wanted,
      async (takeover) => {
        const { workspace, epoch, from } = takeover;
        const late = now - (this.#asked.get(workspace)?.at ?? now) >= RELEASE_PATIENCE;
        const highest = late || this.#looks >= LOOKS ? undefined : await this.#look(workspace);
        const isReleased = highest?.epoch === epoch && highest.released;
        if (late) log.warn({ workspace, from }, 'not released in time: taken over all the same');
        if (late || isReleased) ready.push(takeover);
      },
      { concurrency: LOOKS },
    );
    return ready;
  }

  async #sendOrders(instance: string, takeovers: readonly Takeover[]): Promise<void> {
    const { facts, orders, log, clock } = this.#parts;
    const url = facts.instances().find(({ id }) => id === instance)?.url;
    if (!url) return;
    const given = takeovers.map(({ workspace, epoch }) => ({ workspace, epoch, to: null, move: null }));
    const late = () => new Error('it did not answer in time');
    await withinTime(clock, ORDER_INTERVAL, orders.send(url, given), late).catch((error: unknown) =>
      log.warn({ instance, reason: messageOf(error) }, 'it could not be asked to hand its workspaces over'),
    );
  }

  /** The highest claim, where the storage says so in time. */
  async #look(workspace: WorkspaceId): Promise<HighestClaim | undefined> {
    const { claims } = this.#parts;
    this.#looks += 1;
    const looking = claims.highest(workspace).finally(() => {
      this.#looks -= 1;
    });
    return await this.#patience.storage(looking).catch(() => undefined);
  }
}
