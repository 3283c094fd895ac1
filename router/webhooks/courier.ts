import type { Logger } from '../../common/logger.ts';
import type { ReceiverState } from '../../fleet/events/deliveries.ts';
import type { EventLog } from '../../fleet/events/event-log.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import { Endpoint, type EndpointParts } from './endpoint.ts';
import { disabledRecord, type WebhookRecord } from './record.ts';
import type { Sender } from './sender.ts';
import type { ShardUser } from './shard-keeper.ts';
import { shardOf } from './shards.ts';
import { Slots } from './slots.ts';
import type { WebhookFiles } from './webhook-files.ts';

/** Requests under way at one time, of all receivers of this router. */
const REQUESTS_AT_ONCE = 500;

/** How long what is under way may take when the router stops, milliseconds; what is cut off is sent again by another. */
const STOP_PATIENCE = 5000;

type SharedParts = Pick<EndpointParts, 'deliveries' | 'times' | 'recorder' | 'clock' | 'random' | 'log'>;

export interface CourierParts extends SharedParts {
  router: string;
  files: WebhookFiles;
  events: Pick<EventLog, 'listen'>;
  /** Whether the lease of a shard is proved at this moment. */
  mayWork: (shard: number) => boolean;
  newSender: () => Pick<Sender, 'send' | 'close'>;
  /** Milliseconds that what is under way may take when a workspace goes to another router: as long as a receiver may. */
  patience: number;
}

/** Delivers for the workspaces of this router's shards: one {@link Endpoint} for each that has a webhook, and is enabled. */
export class Courier implements ShardUser {
  readonly #parts: CourierParts;
  readonly #shards = new Set<number>();
  readonly #endpoints = new Map<WorkspaceId, Endpoint>();
  /** When the webhook was made that an endpoint is for: one that was removed and made anew shares nothing with it. */
  readonly #made = new Map<WorkspaceId, string>();
  /** Those that are ending; no other may begin for the same workspace before. */
  readonly #ending = new Map<WorkspaceId, Promise<void>>();
  readonly #slots = new Slots(REQUESTS_AT_ONCE);
  readonly #log: Logger;
  readonly #deaf: (() => void)[];
  #stopped = false;

  constructor(parts: CourierParts) {
    this.#parts = parts;
    this.#log = parts.log;
    this.#deaf = [
      parts.files.onChange((workspace) => this.#changed(workspace)),
      parts.events.listen(
        'all',
        (workspace) => {
          if (workspace !== null) this.#endpoints.get(workspace)?.newEvents();
        },
        () => {
          for (const endpoint of this.#endpoints.values()) endpoint.newEvents();
        },
      ),
    ];
  }

  taken(shard: number): void {
    this.#shards.add(shard);
    for (const { workspace_id: workspace } of this.#parts.files.all())
      if (shardOf(workspace) === shard) this.#changed(workspace);
  }

  regained(shard: number): void {
    for (const [workspace, endpoint] of this.#endpoints) if (shardOf(workspace) === shard) endpoint.doubt();
  }

  lost(shard: number): void {
    void this.release(shard);
  }

  async release(shard: number): Promise<void> {
    this.#shards.delete(shard);
    const ours = [...this.#endpoints.keys()].filter((workspace) => shardOf(workspace) === shard);
    for (const workspace of ours) this.#end(workspace, this.#parts.patience);
    const ending = [...this.#ending].filter(([workspace]) => shardOf(workspace) === shard);
    await Promise.all(ending.map(([, end]) => end));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const end of this.#deaf) end();
    for (const workspace of [...this.#endpoints.keys()]) this.#end(workspace, STOP_PATIENCE);
    await Promise.all(this.#ending.values());
  }

  /** How the receivers that this router delivers to do. */
  states(): Map<WorkspaceId, ReceiverState> {
    return new Map([...this.#endpoints].map(([workspace, endpoint]) => [workspace, endpoint.state()]));
  }

  /** Requests under way. */
  get underWay(): number {
    return this.#slots.taken;
  }

  #changed(workspace: WorkspaceId): void {
    const record = this.#parts.files.get(workspace);
    const wanted = !this.#stopped && record !== undefined && record.disabled === null && this.#has(workspace);
    const endpoint = this.#endpoints.get(workspace);
    if (endpoint && wanted && this.#made.get(workspace) === record.created_at) endpoint.changed();
    else if (endpoint) this.#end(workspace, this.#parts.patience);
    else if (wanted) this.#begin(workspace, record);
  }

  #has(workspace: WorkspaceId): boolean {
    return this.#shards.has(shardOf(workspace));
  }

  #begin(workspace: WorkspaceId, { created_at }: WebhookRecord): void {
    if (this.#ending.has(workspace)) return;
    this.#made.set(workspace, created_at);
    const { router, files, mayWork, newSender, clock, log, ...shared } = this.#parts;
    const shard = shardOf(workspace);
    const endpoint = new Endpoint({
      ...shared,
      clock,
      workspace,
      holder: { router, shard },
      record: () => files.get(workspace),
      disable: async (generation, reason) => {
        await files.update(workspace, (before) =>
          before?.generation === generation ? disabledRecord(before, reason, clock.now()) : before,
        );
      },
      mayWork: () => mayWork(shard),
      sender: newSender(),
      slots: this.#slots,
      log: log.child({ workspace }),
    });
    this.#endpoints.set(workspace, endpoint);
    endpoint.start();
  }

  #end(workspace: WorkspaceId, patience: number): void {
    const endpoint = this.#endpoints.get(workspace);
    if (!endpoint) return;
    this.#endpoints.delete(workspace);
    this.#made.delete(workspace);
    const ended = endpoint
      .stop(patience)
      .catch((error: unknown) => this.#log.error({ workspace, err: error }, 'a webhook did not stop cleanly'))
      .then(() => {
        this.#ending.delete(workspace);
        // It may be wanted again by now.
        this.#changed(workspace);
      });
    this.#ending.set(workspace, ended);
  }
}
