import type { WorkspaceId } from '../../fleet/ids.ts';

/** A workspace that this incarnation owns. */
export interface Owned {
  readonly workspace: WorkspaceId;
  readonly epoch: number;
  /** As its claim has it. */
  readonly generation: number;
  /** When the newest proof was asked for, on the monotonic clock. */
  provedAt: number;
  /**
   * Until then, on the monotonic clock, the owner before may still run. No release may be noted earlier: it would tell whoever claims next that
   * nobody runs the workspace any more, though only this owner does not.
   */
  readonly clearAt: number;
  /**
   * `running`: granted to the worker. `closing`: it is being closed for a hand-over. `released`: nothing of it runs here, and it waits to be
   * handed over.
   */
  state: 'running' | 'closing' | 'released';
}

/**
 * How proofs are reckoned. There is one right policy; the others exist so that the simulation can show that it would notice
 * (`test/chaos/simulation`).
 */
export interface ProofPolicy {
  /** The moment a proof counts from. What was true when the question was answered may have changed while the answer was on its way. */
  countsFrom(asked: number, answered: number): number;
  /** Whether what has run out may be extended. */
  outlivesLapse: boolean;
}

/** The right one. */
export const PROOF_POLICY: ProofPolicy = { countsFrom: (asked) => asked, outlivesLapse: false };

/** What an incarnation owns, and until when. Pure bookkeeping: it asks nothing and ends nothing. Times are milliseconds on the monotonic clock. */
export class Authority {
  readonly #owned = new Map<WorkspaceId, Owned>();
  readonly #lasts: number;
  readonly #policy: ProofPolicy;

  /** @param lasts how old a proof may be (`T_auth`) */
  constructor(lasts: number, policy: ProofPolicy = PROOF_POLICY) {
    this.#lasts = lasts;
    this.#policy = policy;
  }

  get size(): number {
    return this.#owned.size;
  }

  all(): Owned[] {
    return [...this.#owned.values()];
  }

  get(workspace: WorkspaceId): Owned | undefined {
    return this.#owned.get(workspace);
  }

  /** True for the very same ownership, not for a later one of the same workspace. */
  holds(owned: Owned): boolean {
    return this.#owned.get(owned.workspace) === owned;
  }

  /**
   * @param asked when the claim was begun: it is the first proof
   * @param clearAt see {@link Owned.clearAt}
   */
  add(claimed: Pick<Owned, 'workspace' | 'epoch' | 'generation'>, asked: number, clearAt: number): Owned {
    const { workspace, epoch, generation } = claimed;
    const owned: Owned = { workspace, epoch, generation, provedAt: asked, clearAt, state: 'running' };
    this.#owned.set(workspace, owned);
    return owned;
  }

  remove(owned: Owned): void {
    if (this.holds(owned)) this.#owned.delete(owned.workspace);
  }

  /** When authority over it runs out. */
  until(owned: Owned): number {
    return owned.provedAt + this.#lasts;
  }

  /** A proof that it is still owned. False when it comes too late: what has run out is over. */
  prove(owned: Owned, asked: number, answered: number): boolean {
    if (!this.holds(owned)) return false;
    if (answered >= this.until(owned) && !this.#policy.outlivesLapse) return false;
    owned.provedAt = Math.max(owned.provedAt, this.#policy.countsFrom(asked, answered));
    return true;
  }

  /** What has run out by now. */
  lapsed(now: number): Owned[] {
    return this.all().filter((owned) => now >= this.until(owned));
  }

  /** When the next one runs out, or infinity. */
  next(): number {
    return Math.min(Number.POSITIVE_INFINITY, ...this.all().map((owned) => this.until(owned)));
  }
}
