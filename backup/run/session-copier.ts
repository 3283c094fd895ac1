import type { Clock } from '../../common/clock.ts';
import { isWharfError, messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import { type Within, within } from '../../common/within.ts';
import type { Instances } from '../fleet/instances.ts';
import { keyOf } from '../fleet/session-names.ts';
import type { SessionName } from '../fleet/sessions-on-storage.ts';
import type { BackedUpSession } from '../manifest/manifest.ts';
import type { Objects } from '../objects/objects.ts';
import type { OperationHandle } from '../operations.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { Base } from './base.ts';
import type { SessionOutcome } from './contents.ts';
import { copySession } from './copy-session.ts';
import type { Distrusted } from './distrusted.ts';
import { SilentOwners } from './silent-owners.ts';
import { spreadOver } from './spread.ts';
import { StoreWatch } from './store-watch.ts';

/** Copies that one instance makes at a time. */
const PER_INSTANCE = 2;
/** A session that failed is tried once more, so many milliseconds later: by then a takeover (22 s) is over, and whoever was starting has started. */
const RETRY_AFTER = 25_000;

/** What copying the sessions of a fleet needs. */
export interface SessionCopierParts {
  instances: Pick<Instances, 'copy' | 'owners'>;
  objects: Pick<Objects, 'keep'>;
  store: Pick<ObjectStore, 'check'>;
  distrusted: Distrusted;
  /** Sessions that are copied at one time. */
  concurrency: number;
  clock: Clock;
  log: Logger;
  onCopied: (session: BackedUpSession) => void;
  /** Hears for how many milliseconds a browser was stopped for a copy that failed. */
  onFrozenInVain?: (milliseconds: number) => void;
  /** Milliseconds, instead of {@link RETRY_AFTER}. */
  retryAfter?: number;
}

/** The copies of one run. */
export class SessionCopier {
  readonly #parts: SessionCopierParts;
  readonly #base: Base;
  readonly #operation: OperationHandle;
  readonly #watch: StoreWatch;
  /** Ended where the run can't go on: copies that are under way are of no use then. */
  readonly #within: Within;
  readonly #outcomes = new Map<string, SessionOutcome>();
  /** Sessions whose owners were asked for a copy. */
  readonly #asked = new Set<string>();
  #failed = 0;
  /** What was sent to the store: objects, and bytes as stored. */
  readonly sent = { objects: 0, bytes: 0 };

  constructor(parts: SessionCopierParts, base: Base, operation: OperationHandle) {
    this.#parts = parts;
    this.#base = base;
    this.#operation = operation;
    this.#watch = new StoreWatch(parts.store);
    this.#within = within(operation.signal);
  }

  /**
   * Copies sessions, and those that fail once more; what became of each, by `keyOf`.
   *
   * @throws WharfError where the run cannot go on: `backup_store_failed`, `redis_unavailable`; the signal's reason
   */
  async copyAll(names: readonly SessionName[]): Promise<Map<string, SessionOutcome>> {
    try {
      return await this.#copyTwice(names);
    } finally {
      this.#within.end(new Error('the copies of this run have ended'));
    }
  }

  async #copyTwice(names: readonly SessionName[]): Promise<Map<string, SessionOutcome>> {
    const { clock, retryAfter = RETRY_AFTER } = this.#parts;
    this.#operation.set({ total: names.length, doing: 'copying sessions' });
    await this.#copyEach(names);
    const failed = names.filter((name) => this.#hasFailed(name));
    if (failed.length === 0) return this.#outcomes;
    const wasAsked = (name: SessionName) => this.#asked.has(keyOf(name));
    // A few that their owner never answers for must not keep its others out of the backups.
    const [unasked, asked] = [failed.filter((name) => !wasAsked(name)), failed.filter(wasAsked)];
    const shown = failed.length === 1 ? 'one session' : `${failed.length} sessions`;
    this.#operation.set({ doing: `waiting to try ${shown} once more` });
    await clock.sleep(retryAfter, this.#operation.signal);
    this.#operation.set({ doing: `trying ${shown} once more` });
    await this.#copyEach([...unasked, ...asked]);
    return this.#outcomes;
  }

  async #copyEach(names: readonly SessionName[]): Promise<void> {
    const { instances, concurrency } = this.#parts;
    const owners = await instances.owners();
    const silent = new SilentOwners();
    const ownerOf = ({ workspace }: SessionName) => owners.get(workspace) ?? null;
    await spreadOver(names, { concurrency, perOwner: PER_INSTANCE, ownerOf }, async (name) => {
      const outcome = await this.#copyOne(name, ownerOf(name), silent);
      if (this.#hasFailed(name)) this.#failed -= 1;
      if ('reason' in outcome) this.#failed += 1;
      this.#outcomes.set(keyOf(name), outcome);
      this.#operation.set({ done: this.#outcomes.size - this.#failed, failed: this.#failed });
    });
  }

  #hasFailed(name: SessionName): boolean {
    const outcome = this.#outcomes.get(keyOf(name));
    return outcome !== undefined && 'reason' in outcome;
  }

  /** Throws only what ends the run. */
  async #copyOne(name: SessionName, owner: string | null, silent: SilentOwners): Promise<SessionOutcome> {
    const given = silent.reason(owner);
    if (given !== null) return { name, reason: given };
    this.#asked.add(keyOf(name));
    const { instances, objects, distrusted, onCopied, log } = this.#parts;
    const parts = {
      instances,
      objects,
      distrusted,
      known: this.#base.objects,
      onSent: (stored: number) => this.#onSent(stored),
    };
    const before = this.#base.sessions.get(keyOf(name));
    const { signal } = this.#within;
    signal.throwIfAborted();
    try {
      const copied = await copySession(name, before, parts, signal);
      silent.note(owner);
      onCopied(copied);
      return { name, copied };
    } catch (error) {
      signal.throwIfAborted();
      silent.note(owner, error);
      this.#tellFrozen(error);
      await this.#watch.judge(error).catch((fault) => {
        this.#within.end(fault);
        throw fault;
      });
      log.info({ ...name, reason: messageOf(error) }, 'a session could not be copied');
      return { name, reason: messageOf(error) };
    }
  }

  #tellFrozen(error: unknown): void {
    const frozen = isWharfError(error) ? error.extra['frozen_ms'] : undefined;
    if (typeof frozen === 'number') this.#parts.onFrozenInVain?.(frozen);
  }

  #onSent(stored: number): void {
    this.#watch.worked();
    this.sent.objects += 1;
    this.sent.bytes += stored;
    this.#operation.set({ bytes: this.sent.bytes });
  }
}
