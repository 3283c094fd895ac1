import pMap from 'p-map';
import type { z } from 'zod';
import type { BackupId, prunePlanSchema } from '../../fleet/backup/api.ts';
import type { Catalog } from '../manifest/manifest.ts';
import type { Summaries } from '../manifest/summaries.ts';
import type { ObjectEntry, Objects } from '../objects/objects.ts';
import type { OperationHandle } from '../operations.ts';
import { type KeepNumbers, type RetentionPlan, retain } from '../retention/retention.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { DamageReports } from '../verify/damage-reports.ts';
import { findGarbage, type Garbage, type GarbageParts } from './garbage.ts';

/** Objects that are looked at once more and then removed together. */
const BATCH = 100;
const LOOKS = 16;
/** Milliseconds after which an upload that was not finished belongs to nobody. */
const UPLOAD_OLD = 24 * 3_600_000;

export type PrunePlan = z.infer<typeof prunePlanSchema>;

/** What a pruning tells its progress to. */
export type Stage = Pick<OperationHandle, 'signal' | 'set' | 'find'>;

/** An operation as a part of it sees it that only says what it is at: the counts are the whole's. */
export function inWords({ signal, set, find }: Stage): Stage {
  return { signal, find, set: ({ doing }) => (doing === undefined ? undefined : set({ doing })) };
}

/** What a pruning needs. */
export interface PrunerParts extends GarbageParts {
  catalog: Catalog;
  objects: Pick<Objects, 'list' | 'remove'>;
  store: Pick<ObjectStore, 'now' | 'head' | 'abortUploads'>;
  keep: KeepNumbers;
  summaries: Pick<Summaries, 'all'>;
  /** Backups that somebody reads from just now: they stay. */
  inUse: () => Promise<ReadonlySet<BackupId>>;
  /** Makes sure that this service still is the one that makes the backups; throws where it is not. */
  confirm: (term: AbortSignal) => Promise<void>;
  damage: DamageReports;
}

/**
 * Removes backups that the retention does not keep, then the objects that no manifest names any more, and what uploads left half-done. Whoever dies in the middle leaves
 * objects too many, never too few: the next pruning removes them.
 *
 * Only the service that holds the lease prunes, and never beside a run of its own. Beside a run elsewhere, of a service that lost the lease and does not know it yet,
 * or that took it over, no backup comes to miss an object: docs/decisions/0020-verification.md tells why.
 */
export class Pruner {
  readonly #parts: PrunerParts;

  constructor(parts: PrunerParts) {
    this.#parts = parts;
  }

  /** What {@link prune} would do now. Throws WharfError `backup_store_failed`; the signal's reason. */
  async plan(signal: AbortSignal): Promise<PrunePlan> {
    const { keep, remove } = await this.#retention(signal);
    const gone = new Set(remove.map(({ id }) => id));
    const garbage = await findGarbage(this.#parts, signal, ({ id }) => !gone.has(id));
    return { keep, remove, objects: typeof garbage === 'string' ? null : sumOf(garbage.removable) };
  }

  /**
   * @throws WharfError `backup_store_failed`; `backup_unavailable` where this service does not make the backups any more; the signal's reason
   */
  async prune(stage: Stage): Promise<void> {
    const { catalog, confirm, store, inUse } = this.#parts;
    stage.set({ doing: 'looking which backups stay' });
    for (const { id, reason } of (await this.#retention(stage.signal)).remove) {
      await confirm(stage.signal);
      // Somebody may have begun to read from it since.
      if ((await inUse()).has(id)) continue;
      await catalog.remove(id);
      stage.find(`Backup ${id} was removed: ${reason}.`);
    }
    stage.set({ doing: 'looking for objects that no backup needs' });
    const garbage = await findGarbage(this.#parts, stage.signal);
    if (typeof garbage === 'string') stage.find(garbage);
    else await this.#clean(garbage, stage);
    await confirm(stage.signal);
    const uploads = await store.abortUploads(UPLOAD_OLD);
    if (uploads > 0) stage.find(`Of ${uploads} uploads that were never finished, what had come was removed.`);
  }

  async #clean({ removable, missing }: Garbage, stage: Stage): Promise<void> {
    for (const { sha256, backup } of missing)
      this.#parts.damage.object(stage, { sha256, backup, what: `the object ${sha256} is not in the store` });
    const removed = { count: 0, bytes: 0 };
    stage.set({ doing: 'removing objects that no backup needs', total: removable.length, done: 0 });
    for (let at = 0; at < removable.length; at += BATCH) {
      const gone = await this.#remove(removable.slice(at, at + BATCH), stage.signal);
      removed.count += gone.count;
      removed.bytes += gone.bytes;
      stage.set({ done: Math.min(at + BATCH, removable.length), bytes: removed.bytes });
    }
    if (removed.count > 0)
      stage.find(`${removed.count} objects of ${removed.bytes} bytes, which no backup needs, were removed.`);
  }

  /** Removes those that are still as they were listed: one that was put again meanwhile is about to be named. */
  async #remove(batch: readonly ObjectEntry[], term: AbortSignal): Promise<{ count: number; bytes: number }> {
    const { confirm, store, objects } = this.#parts;
    await confirm(term);
    const now = await pMap(batch, ({ key }) => store.head(key), { concurrency: LOOKS });
    const same = batch.filter(({ modified }, at) => now[at]?.modified === modified);
    await objects.remove(same);
    return sumOf(same);
  }

  async #retention(signal: AbortSignal): Promise<PrunePlanned> {
    const { summaries, store, keep, inUse } = this.#parts;
    const now = await store.now();
    const backups = (await summaries.all()).map(({ head, facts }) => ({ ...head, state: facts.state }));
    signal.throwIfAborted();
    return keepUsed(retain(backups, now, keep), await inUse());
  }
}

type PrunePlanned = Pick<PrunePlan, 'keep' | 'remove'>;

/** The plan, but those that are in use stay. Pure. */
function keepUsed({ keep, remove }: RetentionPlan, used: ReadonlySet<BackupId>): PrunePlanned {
  return {
    keep: [
      ...keep,
      ...remove.filter(({ id }) => used.has(id)).map(({ id }) => ({ id, reasons: ['in_use'] })),
    ].sort((a, b) => (a.id < b.id ? 1 : -1)),
    remove: remove.filter(({ id }) => !used.has(id)),
  };
}

function sumOf(entries: readonly ObjectEntry[]): { count: number; bytes: number } {
  return { count: entries.length, bytes: entries.reduce((sum, { stored }) => sum + stored, 0) };
}
