import type { Clock } from '../common/clock.ts';
import { WharfError } from '../common/errors.ts';
import type { Logger } from '../common/logger.ts';
import type { WorkspaceId } from '../fleet/ids.ts';
import type { Grant } from './supervisor/worker.ts';

/** Who an instance is. */
export interface Identity {
  instance: string;
  incarnation: string;
  host: string;
}

/** How often it is looked whether an authority has run out, milliseconds. */
const LOOK_INTERVAL = 250;

/** A look that comes so much too late, or clocks that have gone apart by so much since the last one, mean a pause. Milliseconds. */
const PAUSE = 1000;

/** How long the first session of a workspace waits for the grant that follows its claim, milliseconds. */
const GRANT_WAIT = 5000;

/** What the mirror is made of. */
export interface OwnershipParts {
  instance: string;
  /** Its monotonic clock is the host's (`supervisor/host-clock.ts`). */
  clock: Clock;
  /** How old a proof may be (`T_auth`), milliseconds. */
  lasts: number;
  log: Logger;
  /** Has a workspace that nobody owns claimed, or sees that the claim is there, and answers the epoch. Throws WharfError `not_owner`, `storage_unavailable`. */
  claim: (workspace: WorkspaceId) => Promise<number>;
  /** Authority over a workspace has run out: its browsers must end now, before anything else. */
  lapsed: (workspace: WorkspaceId, epoch: number) => void;
}

/** A workspace that is granted. */
interface Held {
  grant: Grant;
  /** When the newest proof was asked for, and when the authority runs out, on the monotonic clock. */
  asked: number;
  until: number;
}

/** What new proofs change. */
export interface Extended {
  /** The workspaces whose authority lasts longer now. */
  longer: WorkspaceId[];
  /** Those that had been ended here, though the proof came in time to the supervisor: they may run again. */
  again: Grant[];
}

/**
 * What the supervisor has granted this process, and until when: a mirror that decides nothing and only ends.
 *
 * Where authority runs out here, the browsers are ended at once. Where the supervisor had a proof in time all the same, and only this process
 * was paused, they may begin again. After a pause (a look comes late, or the wall clock and the monotonic one disagree: the process was
 * stopped, or the machine slept) nothing is sent before a proof that was asked for after it. Every question looks at the clock, since after
 * a pause other code may run before the timer.
 */
export class Ownership {
  readonly #parts: OwnershipParts;
  readonly #held = new Map<WorkspaceId, Held>();
  /** What ran out here, and was not taken back. */
  readonly #lapsed = new Map<WorkspaceId, Grant>();
  /** Those who wait for a grant or a proof. */
  readonly #waiting = new Set<() => void>();
  #lookedAt: number;
  #apart: number;
  #pausedAt = Number.NEGATIVE_INFINITY;

  constructor(parts: OwnershipParts) {
    this.#parts = parts;
    this.#lookedAt = parts.clock.monotonic();
    this.#apart = parts.clock.now() - this.#lookedAt;
  }

  get instance(): string {
    return this.#parts.instance;
  }

  /** The workspaces that are granted. */
  workspaces(): WorkspaceId[] {
    return [...this.#held.keys()];
  }

  /** A workspace may be run from now on. */
  grant(grant: Grant): void {
    this.#look();
    this.#hold(grant, grant.until, grant.until - this.#parts.lasts);
    this.#tell();
  }

  /**
   * New proofs.
   *
   * @param asked when they were asked for
   */
  extend(
    asked: number,
    proofs: readonly { workspace: WorkspaceId; epoch: number; until: number }[],
  ): Extended {
    this.#look();
    const extended: Extended = { longer: [], again: [] };
    for (const { workspace, epoch, until } of proofs) {
      const held = this.#held.get(workspace);
      const lapsed = this.#lapsed.get(workspace);
      if (held?.grant.epoch === epoch && until > held.until) {
        this.#hold(held.grant, until, Math.max(held.asked, asked));
        extended.longer.push(workspace);
      } else if (lapsed?.epoch === epoch && until > this.#parts.clock.monotonic()) {
        this.#hold(lapsed, until, asked);
        extended.again.push(lapsed);
      }
    }
    this.#tell();
    return extended;
  }

  /** The grant is over; nothing where a later epoch is granted by now. */
  revoke(workspace: WorkspaceId, epoch: number): void {
    if ((this.#held.get(workspace)?.grant.epoch ?? Number.POSITIVE_INFINITY) <= epoch)
      this.#held.delete(workspace);
    this.#lapsed.delete(workspace);
    this.#tell();
  }

  /** The epoch at which a workspace is granted. Throws `not_owner`. */
  epoch(workspace: WorkspaceId): number {
    this.#look();
    const held = this.#held.get(workspace);
    if (!held) throw this.#notOwner(workspace);
    return held.grant.epoch;
  }

  /** Whether a workspace is granted at this epoch. */
  holds(workspace: WorkspaceId, epoch: number): boolean {
    this.#look();
    return this.#held.get(workspace)?.grant.epoch === epoch;
  }

  /** Milliseconds for which it may still be run at this epoch; 0 where it may not, or not before a new proof. */
  left(workspace: WorkspaceId, epoch: number): number {
    this.#look();
    const held = this.#held.get(workspace);
    if (held?.grant.epoch !== epoch || !this.#isProved(held)) return 0;
    return Math.max(0, held.until - this.#parts.clock.monotonic());
  }

  /**
   * Whatever goes out or is written for a workspace asks first.
   *
   * @throws WharfError `not_owner` where it is not granted at this epoch (any more); `ownership_unproved` after a pause, until a new proof
   */
  requireAuthority(workspace: WorkspaceId, epoch: number): void {
    this.#look();
    const held = this.#held.get(workspace);
    if (held?.grant.epoch !== epoch) throw this.#notOwner(workspace);
    if (this.#isProved(held)) return;
    throw new WharfError(
      'ownership_unproved',
      `${this.#parts.instance} was paused and must first prove that it still owns workspace ${workspace}. Nothing was done; try again in a moment.`,
      { retryAfter: 2 },
    );
  }

  /** {@link requireAuthority}, after waiting for a new proof for so many milliseconds at most. */
  async awaitAuthority(workspace: WorkspaceId, epoch: number, patience: number): Promise<void> {
    await this.#wait(patience, () => {
      const held = this.#held.get(workspace);
      return held?.grant.epoch !== epoch || this.#isProved(held);
    });
    this.requireAuthority(workspace, epoch);
  }

  /**
   * Owns a workspace that nobody owned, or owns it already: a first session is to be made.
   *
   * @throws WharfError `not_owner`, with the instance that owns it, when it is another's; `storage_unavailable`
   */
  async claimFirst(workspace: WorkspaceId): Promise<number> {
    this.#look();
    const held = this.#held.get(workspace);
    if (held) return held.grant.epoch;
    const epoch = await this.#parts.claim(workspace);
    await this.#wait(GRANT_WAIT, () => (this.#held.get(workspace)?.grant.epoch ?? 0) >= epoch);
    return this.epoch(workspace);
  }

  /** Sees that the storage names the owner of a workspace that is granted here, where that was wiped. Throws `not_owner`, `storage_unavailable`. */
  async confirmClaim(workspace: WorkspaceId): Promise<void> {
    this.epoch(workspace);
    await this.#parts.claim(workspace);
  }

  /** Ends what has run out, as soon as it has, until aborted. */
  async watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#parts.clock.sleep(LOOK_INTERVAL, signal).catch(() => {});
      this.#look();
    }
  }

  #look(): void {
    const { clock, log, lapsed } = this.#parts;
    const now = clock.monotonic();
    const apart = clock.now() - now;
    const late = now - this.#lookedAt - LOOK_INTERVAL;
    const jump = Math.abs(apart - this.#apart);
    this.#lookedAt = now;
    this.#apart = apart;
    if (late > PAUSE || jump > PAUSE) {
      this.#pausedAt = now;
      if (this.#held.size > 0)
        log.warn(
          { late_ms: Math.round(late), clocks_apart_ms: Math.round(jump) },
          'the process was paused: nothing is sent before a new proof of ownership',
        );
    }
    const over = [...this.#held.values()].filter(({ until }) => now >= until);
    if (over.length === 0) return;
    for (const { grant } of over) {
      this.#held.delete(grant.workspace);
      this.#lapsed.set(grant.workspace, grant);
      lapsed(grant.workspace, grant.epoch);
    }
    log.error({ workspaces: over.length }, 'authority ran out: browsers were ended');
  }

  #hold(grant: Grant, until: number, asked: number): void {
    this.#lapsed.delete(grant.workspace);
    this.#held.set(grant.workspace, { grant, until, asked });
  }

  #isProved({ asked }: Held): boolean {
    return asked > this.#pausedAt;
  }

  async #wait(patience: number, until: () => boolean): Promise<void> {
    const { clock } = this.#parts;
    this.#look();
    const end = clock.monotonic() + patience;
    while (!until()) {
      const left = end - clock.monotonic();
      if (left <= 0) return;
      const told = new AbortController();
      const tell = () => told.abort();
      this.#waiting.add(tell);
      await clock.sleep(left, told.signal).catch(() => {});
      this.#waiting.delete(tell);
      this.#look();
    }
  }

  #tell(): void {
    for (const tell of [...this.#waiting]) tell();
  }

  #notOwner(workspace: WorkspaceId): WharfError {
    return new WharfError('not_owner', `${this.#parts.instance} does not own workspace ${workspace}.`);
  }
}
