import pMap from 'p-map';
import { isWharfError } from '../../common/errors.ts';
import type { BackupId } from '../../fleet/backup/api.ts';
import { sessionNamed } from '../archive/archive-faults.ts';
import { checkArchive } from '../archive/check-archive.ts';
import type { BackedUpSession, Catalog, Manifest, StoredRef } from '../manifest/manifest.ts';
import type { Objects } from '../objects/objects.ts';
import type { OperationHandle } from '../operations.ts';
import { Turns } from '../turns.ts';
import type { DamageReports } from './damage-reports.ts';

/** Objects that are read at one time: the store's latency is hidden, and a restore beside it still gets through. */
const CONCURRENCY = 6;
/** Sessions, or backups, that a finding names. */
const NAMED = 5;

export interface VerificationParts {
  catalog: Pick<Catalog, 'read'>;
  objects: Pick<Objects, 'check' | 'read'>;
  damage: DamageReports;
  /** Waited for before each object is read; throws the signal's reason. */
  giveWay?: ((signal: AbortSignal) => Promise<void>) | undefined;
}

/** What a backup needs of one object. */
interface Need {
  ref: StoredRef;
  /** Set where it is an archive: a session it is of. */
  archive: BackedUpSession | null;
}

/**
 * One verification of backups, newest first: every object that they need is read once and checked, archives as a restore would read them.
 */
export class Verification {
  readonly #parts: VerificationParts;
  readonly #operation: OperationHandle;
  /** What was checked, by `keyOf`; of what is damaged, the backups that need it. */
  readonly #checked = new Map<string, { sha256: string; backups: BackupId[] } | null>();
  #failed = 0;
  #bytes = 0;

  constructor(parts: VerificationParts, operation: OperationHandle) {
    this.#parts = parts;
    this.#operation = operation;
  }

  /** Objects and manifests that were found damaged so far. */
  get failed(): number {
    return this.#failed;
  }

  /**
   * Checks backups, newest first.
   *
   * @throws WharfError `backup_store_failed`; the signal's reason
   */
  async check(ids: readonly BackupId[]): Promise<void> {
    await this.#count(ids);
    for (const id of ids) {
      const manifest = await this.#read(id, (damage) =>
        this.#fail(() => this.#parts.damage.other(this.#operation, damage)),
      );
      if (manifest === null) continue;
      this.#operation.set({ doing: `reading what backup ${id} needs` });
      await this.#checkBackup(manifest);
    }
    for (const damaged of this.#checked.values())
      if (damaged !== null && damaged.backups.length > 1)
        this.#operation.find(
          `The object ${damaged.sha256} is needed by ${listed(damaged.backups.slice(1))} too.`,
        );
  }

  /** Tells how much there is to do. */
  async #count(ids: readonly BackupId[]): Promise<void> {
    const all = new Set<string>();
    const turns = new Turns();
    this.#operation.set({ doing: 'reading the manifests' });
    for (const id of ids) {
      for (const session of (await this.#read(id, () => {}))?.sessions ?? []) {
        await turns.take();
        for (const need of needsOf(session)) all.add(keyOf(need));
      }
    }
    this.#operation.set({ total: all.size });
  }

  /** Null: it cannot be read, or was removed. */
  async #read(
    id: BackupId,
    damaged: (damage: { backup: BackupId; what: string }) => void,
  ): Promise<Manifest | null> {
    this.#operation.signal.throwIfAborted();
    try {
      return await this.#parts.catalog.read(id);
    } catch (error) {
      if (isWharfError(error, 'backup_not_found')) return null;
      if (!isWharfError(error, 'backup_damaged')) throw error;
      damaged({ backup: id, what: `its manifest cannot be read, and nothing of it can be restored` });
      return null;
    }
  }

  async #checkBackup(manifest: Manifest): Promise<void> {
    const turns = new Turns();
    const needed = new Map<string, Need>();
    for (const session of manifest.sessions) {
      await turns.take();
      for (const need of needsOf(session)) {
        const before = this.#checked.get(keyOf(need));
        if (before === undefined) needed.set(keyOf(need), need);
        else if (before !== null && before.backups.at(-1) !== manifest.id) before.backups.push(manifest.id);
      }
    }
    const { signal } = this.#operation;
    await pMap(needed.values(), (need) => this.#checkOne(need, manifest), {
      concurrency: CONCURRENCY,
      signal,
    });
  }

  async #checkOne(need: Need, manifest: Manifest): Promise<void> {
    const { objects, damage, giveWay } = this.#parts;
    const { signal } = this.#operation;
    await giveWay?.(signal);
    const { ref, archive } = need;
    const fault = archive ? await checkArchive(archive, objects, signal) : await objects.check(ref, signal);
    this.#bytes += ref.size;
    this.#checked.set(keyOf(need), fault === null ? null : { sha256: ref.sha256, backups: [manifest.id] });
    if (fault !== null) {
      const what = `the ${archive ? 'archive' : 'object'} ${ref.sha256} is damaged, needed by ${usersOf(ref, manifest)}: ${withoutStop(fault)}`;
      this.#fail(() => damage.object(this.#operation, { backup: manifest.id, sha256: ref.sha256, what }));
    }
    this.#operation.set({ done: this.#checked.size, failed: this.#failed, bytes: this.#bytes });
  }

  #fail(tell: () => void): void {
    this.#failed += 1;
    this.#operation.set({ failed: this.#failed });
    tell();
  }
}

function needsOf(session: BackedUpSession): Need[] {
  const pieces = session.pieces.map((ref): Need => ({ ref, archive: null }));
  return session.archive ? [{ ref: session.archive, archive: session }, ...pieces] : pieces;
}

/** An object is checked once; but an archive anew where another manifest says something else of what it is of. */
function keyOf({ ref, archive }: Need): string {
  return archive ? `${ref.sha256} ${archive.files} ${archive.bytes} ${archive.pieces.length}` : ref.sha256;
}

function usersOf({ sha256 }: StoredRef, { sessions }: Manifest): string {
  return listed(
    sessions.filter((session) => needsOf(session).some(({ ref }) => ref.sha256 === sha256)).map(sessionNamed),
  );
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, NAMED).join(', ');
  return names.length > NAMED ? `${shown} and ${names.length - NAMED} more` : shown;
}

function withoutStop(text: string): string {
  return text.endsWith('.') ? text.slice(0, -1) : text;
}
