import { join } from 'node:path';
import { z } from 'zod';
import { messageOf, WharfError } from '../../common/errors.ts';
import { listNames, makePrivateSubdirectory, readJson, removeTree, replaceFile } from '../../common/files.ts';
import type { Logger } from '../../common/logger.ts';
import { restoreSchema } from '../../fleet/backup/api.ts';
import { restoreIdSchema } from '../../fleet/backup/restore-ids.ts';
import type { SessionPaths } from '../../fleet/session-paths.ts';

/** So many restores are told of; older ones that have ended are forgotten. */
const KEPT = 100;

/** `fleet/restores/{id}.json`: a restore as far as it has come, for whoever goes on with it after its service ended. */
const restoreJobSchema = z.strictObject({
  version: z.literal(1),
  /** Somebody asked to end it. */
  cancel: z.boolean(),
  restore: restoreSchema.extend({ id: restoreIdSchema }),
});
export type RestoreJob = z.infer<typeof restoreJobSchema>;

/** Whether there is something left to do. */
export function isOpen({ restore }: RestoreJob): boolean {
  return restore.state === 'running' || restore.state === 'undoing';
}

/** Restores on the session path. */
export class RestoreJobs {
  readonly #paths: SessionPaths;
  readonly #log: Logger;
  /** Writes of each that are under way or wait: one that waits takes along all that changed until it begins. */
  readonly #writing = new Map<string, { now: Promise<void>; next: Promise<void> | undefined }>();

  constructor(paths: SessionPaths, log: Logger) {
    this.#paths = paths;
    this.#log = log;
  }

  /** Newest first. One that cannot be understood is passed over, with a word in the log. Throws WharfError `storage_unavailable`. */
  async list(): Promise<RestoreJob[]> {
    const jobs: RestoreJob[] = [];
    for (const id of (await this.#ids()).slice(0, KEPT)) {
      const job = await this.#read(id);
      if (job) jobs.push(job);
    }
    return jobs;
  }

  /** Throws WharfError `restore_not_found`, `storage_unavailable`. */
  async get(id: string): Promise<RestoreJob> {
    const job = await readJson(this.#path(id), restoreJobSchema);
    if (job) return job;
    const known = (await this.#ids()).slice(0, 3);
    const hint = known.length === 0 ? 'There was none yet' : `The newest: ${known.join(', ')}`;
    throw new WharfError('restore_not_found', `There is no restore ${id}. ${hint}.`);
  }

  /**
   * Writes it down durably; resolves when what it is now is on the disk. Throws WharfError `storage_unavailable`.
   */
  async save(job: RestoreJob): Promise<void> {
    const { id } = job.restore;
    const under = this.#writing.get(id);
    if (!under) {
      const entry = { now: this.#write(job), next: undefined };
      this.#writing.set(id, entry);
      return await this.#settled(id, entry.now);
    }
    under.next ??= under.now
      .catch(() => undefined)
      .then(() => {
        const entry = { now: this.#write(job), next: undefined };
        this.#writing.set(id, entry);
        return this.#settled(id, entry.now);
      });
    return await under.next;
  }

  /** Forgets those that have ended, beyond the newest; answers which. Throws WharfError `storage_unavailable`. */
  async forgetOld(): Promise<RestoreJob[]> {
    const forgotten: RestoreJob[] = [];
    for (const id of (await this.#ids()).slice(KEPT)) {
      const job = await this.#read(id);
      if (job && isOpen(job)) continue;
      await removeTree(this.#path(id));
      if (job) forgotten.push(job);
    }
    return forgotten;
  }

  async #settled(id: string, write: Promise<void>): Promise<void> {
    try {
      await write;
    } finally {
      const entry = this.#writing.get(id);
      if (entry?.now === write && !entry.next) this.#writing.delete(id);
    }
  }

  async #write(job: RestoreJob): Promise<void> {
    await makePrivateSubdirectory(this.#paths.fleet());
    await makePrivateSubdirectory(this.#directory);
    await replaceFile(this.#path(job.restore.id), `${JSON.stringify(job)}\n`);
  }

  async #read(id: string): Promise<RestoreJob | null> {
    try {
      return await readJson(this.#path(id), restoreJobSchema);
    } catch (error) {
      this.#log.warn({ restore: id, reason: messageOf(error) }, 'the file of a restore cannot be read');
      return null;
    }
  }

  async #ids(): Promise<string[]> {
    const names = await listNames(this.#directory, 'list the restores in');
    return names
      .flatMap((name) => {
        const id = restoreIdSchema.safeParse(name.replace(/\.json$/, ''));
        return id.success && name.endsWith('.json') ? [id.data] : [];
      })
      .sort()
      .reverse();
  }

  get #directory(): string {
    return join(this.#paths.fleet(), 'restores');
  }

  #path(id: string): string {
    return join(this.#directory, `${restoreIdSchema.parse(id)}.json`);
  }
}
