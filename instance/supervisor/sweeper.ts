import pMap from 'p-map';
import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { ClaimStore, HighestClaim } from '../../fleet/claims.ts';
import type { Patience } from '../../fleet/patience.ts';
import type { Authority, Owned } from './authority.ts';

/** Looks under way at one time. */
const CONCURRENCY = 8;

/** What a sweeper needs. */
export interface SweeperParts {
  incarnation: string;
  authority: Authority;
  claims: ClaimStore;
  patience: Patience;
  clock: Clock;
  log: Logger;
  /** A proof: asked and answered at these times of the monotonic clock. */
  proved: (owned: Owned, asked: number, answered: number) => void;
  /** The storage names a higher claim. */
  revoked: (owned: Owned, why: string) => void;
}

/** Looks at the claims of all that is owned: what proves ownership when Redis cannot, and shows a higher claim when Redis does not know of it. */
export class Sweeper {
  readonly #parts: SweeperParts;
  #sweeping: Promise<boolean> | undefined;
  #sweptAt = Number.NEGATIVE_INFINITY;
  #ok = true;

  constructor(parts: SweeperParts) {
    this.#parts = parts;
  }

  /** Whether the last sweep read everything. */
  get ok(): boolean {
    return this.#ok;
  }

  /** When the last one began, on the monotonic clock. */
  get sweptAt(): number {
    return this.#sweptAt;
  }

  /** Looks at everything owned; one sweep at a time. True when the storage answered for all of it, and what is still owned is proved. */
  sweep(): Promise<boolean> {
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = undefined;
    });
    return this.#sweeping;
  }

  /** A sweep that begins after this call. */
  async sweepAnew(): Promise<boolean> {
    await this.#sweeping;
    return await this.sweep();
  }

  /** Compares what is owned with what the storage says. A claim above it, readable or not, ends authority at once. */
  judge(owned: Owned, highest: HighestClaim | undefined): 'mine' | 'revoked' | 'unproved' {
    const { authority, incarnation, revoked } = this.#parts;
    if (!authority.holds(owned)) return 'revoked';
    const epoch = highest?.epoch ?? 0;
    if (epoch > owned.epoch) {
      revoked(owned, `${highest?.claim?.instance ?? 'somebody'} claimed epoch ${epoch}`);
      return 'revoked';
    }
    return epoch === owned.epoch && highest?.claim?.incarnation === incarnation ? 'mine' : 'unproved';
  }

  async #sweep(): Promise<boolean> {
    const { authority, clock, log } = this.#parts;
    this.#sweptAt = clock.monotonic();
    const answers = await pMap(authority.all(), (owned) => this.#lookAt(owned), { concurrency: CONCURRENCY });
    const ok = answers.every(Boolean);
    if (ok !== this.#ok) log.warn(ok ? 'the storage answers again' : 'the storage proves nothing');
    this.#ok = ok;
    return ok;
  }

  async #lookAt(owned: Owned): Promise<boolean> {
    const { claims, patience, clock, log, proved } = this.#parts;
    const asked = clock.monotonic();
    try {
      const verdict = this.judge(owned, await patience.storage(claims.highest(owned.workspace)));
      if (verdict === 'mine') proved(owned, asked, clock.monotonic());
      return verdict !== 'unproved';
    } catch (error) {
      log.debug({ workspace: owned.workspace, reason: messageOf(error) }, 'its claims cannot be read');
      return false;
    }
  }
}
