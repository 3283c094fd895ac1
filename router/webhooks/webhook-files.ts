import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import pMap from 'p-map';
import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import {
  createExclusive,
  listNames,
  makePrivateDirectory,
  makePrivateSubdirectory,
  readJson,
  replaceFile,
  storageError,
} from '../../common/files.ts';
import type { Logger } from '../../common/logger.ts';
import type { Deliveries } from '../../fleet/events/deliveries.ts';
import { isWorkspaceId, type WorkspaceId } from '../../fleet/ids.ts';
import { type WebhookRecord, webhookRecordSchema } from './record.ts';

/** How often other routers' changes are asked for, milliseconds. */
const LOOK_INTERVAL = 1000;
/** How often all files are looked at, whatever Redis says, milliseconds. */
const SWEEP_INTERVAL = 60_000;
/** For how long a file that another router said had changed is looked at, where it seems as before: NFS may show a name's old file for so long. */
const STALE_TIME = 90_000;
/** Files read at one time: each holds one of Node's few threads. */
const READS_AT_ONCE = 2;

/** What becomes of a setting; null: there is none. It may be asked again, with what another router has written meanwhile. */
type Change = (before: WebhookRecord | null) => WebhookRecord | null | Promise<WebhookRecord | null>;

/**
 * The webhooks' settings: a file each on the shared storage, all of them in memory. A change made here is known here at once; the other
 * routers learn through Redis that there is one, within a second or two, or without Redis when they next look at all files.
 */
export class WebhookFiles {
  readonly #fleet: string;
  readonly #directory: string;
  readonly #changes: Pick<Deliveries, 'noteChange' | 'changesSince'>;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #known = new Map<WorkspaceId, WebhookRecord>();
  /** Workspaces that changed elsewhere and do not look so yet: the generation to look for (0: none), and until when (monotonic). */
  readonly #stale = new Map<WorkspaceId, { generation: number; until: number }>();
  readonly #listeners = new Set<(workspace: WorkspaceId) => void>();
  readonly #stopping = new AbortController();
  /** Changes of one workspace come one after the other. */
  readonly #writing = new Map<WorkspaceId, Promise<unknown>>();
  #watching: Promise<void> = Promise.resolve();
  #revision = 0;
  #swept = 0;
  #fault: string | undefined;

  /** @param fleetPath the directory `fleet/` on the shared storage */
  constructor(
    fleetPath: string,
    changes: Pick<Deliveries, 'noteChange' | 'changesSince'>,
    clock: Clock,
    log: Logger,
  ) {
    this.#fleet = fleetPath;
    this.#directory = join(fleetPath, 'webhooks');
    this.#changes = changes;
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * Reads all settings, and goes on looking for changes.
   *
   * @throws WharfError `storage_unavailable`
   */
  async start(): Promise<void> {
    // What changes between the two is looked at once more.
    this.#revision = await this.#changes.changesSince(0).then(
      ({ revision }) => revision,
      () => 0,
    );
    await this.#readAll();
    this.#watching = this.#watch();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#watching;
  }

  get(workspace: WorkspaceId): WebhookRecord | undefined {
    return this.#known.get(workspace);
  }

  all(): Iterable<WebhookRecord> {
    return this.#known.values();
  }

  /** Hears whose setting may have changed, by whomever; and whose deliveries were. Returns what ends it. */
  onChange(hear: (workspace: WorkspaceId) => void): () => void {
    this.#listeners.add(hear);
    return () => this.#listeners.delete(hear);
  }

  /**
   * Changes a workspace's setting: what the storage has now, through `change`, to what is written. Null: there is none.
   *
   * @throws WharfError `storage_unavailable`, and what `change` throws
   */
  update(workspace: WorkspaceId, change: Change): Promise<WebhookRecord | null> {
    const before = this.#writing.get(workspace) ?? Promise.resolve();
    const write = before.then(() => this.#update(workspace, change));
    const quiet = write.catch(() => undefined);
    this.#writing.set(workspace, quiet);
    void quiet.then(() => {
      if (this.#writing.get(workspace) === quiet) this.#writing.delete(workspace);
    });
    return write;
  }

  /** Tells all routers, this one too, to look at a workspace's deliveries: something was done to them. */
  announce(workspace: WorkspaceId): Promise<void> {
    return this.#announce(workspace, this.#known.get(workspace)?.generation ?? 0);
  }

  async #announce(workspace: WorkspaceId, generation: number): Promise<void> {
    this.#tell(workspace);
    await this.#changes.noteChange(workspace, generation).catch((error: unknown) => {
      // Every router looks at all files from time to time anyway.
      this.#log.warn({ workspace, reason: messageOf(error) }, 'a changed webhook could not be announced');
    });
  }

  async #update(workspace: WorkspaceId, change: Change): Promise<WebhookRecord | null> {
    const path = this.#path(workspace);
    const read = await readJson(path, webhookRecordSchema);
    // On NFS an older file may show for a while than what this router has seen before.
    const known = this.#known.get(workspace);
    const before = read && known && read.generation < known.generation ? known : read;
    const after = await change(before);
    if (after === before) return after;
    if (after === null) {
      await rm(path, { force: true }).catch((error: unknown) => {
        throw storageError('remove the webhook', path, error);
      });
      this.#known.delete(workspace);
    } else {
      await makePrivateDirectory(this.#fleet);
      await makePrivateSubdirectory(this.#directory);
      const text = `${JSON.stringify(after, null, 2)}\n`;
      if (before) await replaceFile(path, text);
      // Another router was asked for the first one at the same moment: what it made, its secret too, is what is changed.
      else if (!(await createExclusive(path, text))) return this.#update(workspace, change);
      this.#known.set(workspace, after);
    }
    this.#stale.delete(workspace);
    await this.#announce(workspace, after?.generation ?? 0);
    return after;
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#clock.sleep(LOOK_INTERVAL, signal).catch(() => undefined);
      if (!signal.aborted) await this.#look().catch((error: unknown) => this.#note(messageOf(error)));
    }
  }

  async #look(): Promise<void> {
    if (this.#clock.monotonic() - this.#swept >= SWEEP_INTERVAL) await this.#readAll();
    const changed = await this.#changes.changesSince(this.#revision).catch(() => undefined);
    if (changed?.workspaces === null) await this.#readAll();
    if (changed) this.#revision = changed.revision;
    const until = this.#clock.monotonic() + STALE_TIME;
    for (const { workspace, generation } of changed?.workspaces ?? []) {
      this.#stale.set(workspace, { generation, until });
      this.#tell(workspace);
    }
    for (const [workspace, wanted] of [...this.#stale]) await this.#readStale(workspace, wanted);
    this.#note(undefined);
  }

  async #readStale(
    workspace: WorkspaceId,
    { generation, until }: { generation: number; until: number },
  ): Promise<void> {
    const isThere = () => {
      const known = this.#known.get(workspace)?.generation ?? 0;
      return generation === 0 ? known === 0 : known >= generation;
    };
    if (!isThere()) await this.#readOne(workspace);
    if (isThere() || this.#clock.monotonic() >= until) this.#stale.delete(workspace);
  }

  async #readAll(): Promise<void> {
    this.#swept = this.#clock.monotonic();
    const before = new Set(this.#known.keys());
    const names = await listNames(this.#directory, 'list the webhooks in');
    const there = names.flatMap((name) => {
      const id = name.endsWith('.json') ? name.slice(0, -5) : '';
      return isWorkspaceId(id) ? [id] : [];
    });
    const gone = new Set(before);
    for (const workspace of there) gone.delete(workspace);
    await pMap([...there, ...gone], (workspace) => this.#readOne(workspace), { concurrency: READS_AT_ONCE });
  }

  /** A file that cannot be read changes nothing: one workspace's fault is nobody else's. */
  async #readOne(workspace: WorkspaceId): Promise<void> {
    if (!isWorkspaceId(workspace) || this.#writing.has(workspace)) return;
    const known = this.#known.get(workspace);
    try {
      const read = await readJson(this.#path(workspace), webhookRecordSchema);
      if (this.#writing.has(workspace)) return;
      if (read?.generation === known?.generation) return;
      if (read && known && read.generation < known.generation) return;
      if (read) this.#known.set(workspace, read);
      else this.#known.delete(workspace);
    } catch (error) {
      this.#log.warn({ workspace, reason: messageOf(error) }, 'the webhook of a workspace cannot be read');
      return;
    }
    this.#tell(workspace);
  }

  #tell(workspace: WorkspaceId): void {
    for (const hear of this.#listeners) hear(workspace);
  }

  /** Says once that something is wrong, and once that it is over. */
  #note(fault: string | undefined): void {
    if (fault !== undefined && this.#fault === undefined) {
      this.#log.error({ reason: fault }, 'the webhooks cannot be read: going on with those that are known');
    }
    if (fault === undefined && this.#fault !== undefined) this.#log.info('the webhooks can be read again');
    this.#fault = fault;
  }

  #path(workspace: WorkspaceId): string {
    return join(this.#directory, `${workspace}.json`);
  }
}
