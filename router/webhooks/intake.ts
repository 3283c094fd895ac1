import type { Clock } from '../../common/clock.ts';
import type { Deliveries, ShardHolder, Undelivered } from '../../fleet/events/deliveries.ts';
import type { WharfEvent } from '../../fleet/events/event.ts';
import type { Position } from '../../fleet/events/event-log.ts';
import type { WorkspaceId } from '../../fleet/ids.ts';
import type { Lanes } from './lanes.ts';
import { type WebhookRecord, wants } from './record.ts';
import type { Tries } from './retry-rules.ts';

/** Events that are read ahead. */
const WINDOW = 500;
/** Where all of these wait for single events that are refused, more are read, so that other sessions go on; but no more than these. */
const WIDE_WINDOW = 10_000;
const PAGE = 100;
/** Characters of events kept in memory for one receiver; what is beyond is read again when it goes. */
const MOST_KEPT = 1_000_000;

export interface IntakeParts {
  workspace: WorkspaceId;
  holder: ShardHolder;
  deliveries: Deliveries;
  lanes: Lanes<WharfEvent>;
  clock: Clock;
  /** Told of events that the log forgot before they were delivered. */
  forgotten: (count: number) => void;
}

/**
 * Brings a workspace's events from the log into the lanes, so many ahead. What was read is pending in Redis until it has ended, and is read
 * again whenever that may differ from what is here: at the beginning, after any fault of Redis, and after the shard was not ours for a while.
 */
export class Intake {
  readonly #parts: IntakeParts;
  #inDoubt = true;
  #more = true;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  /** What is pending in Redis may not be what is here. */
  doubt(): void {
    this.#inDoubt = true;
  }

  /** There may be new events. */
  look(): void {
    this.#more = true;
  }

  /**
   * Reads what there is room for.
   *
   * @param stuck true where nothing of what is here can go
   * @returns false where the shard is not ours
   * @throws WharfError `queue_unavailable`; it is then in doubt
   */
  async fill(record: WebhookRecord, stuck: boolean): Promise<boolean> {
    try {
      if (this.#inDoubt) await this.#takeUp(record);
      return await this.#readOn(record, stuck);
    } catch (error) {
      this.#inDoubt = true;
      throw error;
    }
  }

  /** An event of the lanes goes: whole, from memory or from the log; undefined where the log has forgotten it. */
  async whole(waiting: { position: Position; event: WharfEvent | null }): Promise<WharfEvent | undefined> {
    const { deliveries, workspace } = this.#parts;
    return waiting.event ?? (await deliveries.reread(workspace, waiting.position));
  }

  /** Whether this is the time to read more, now that something has ended. */
  get wantsMore(): boolean {
    return this.#inDoubt || (this.#more && this.#parts.lanes.size <= WINDOW - PAGE);
  }

  async #takeUp(record: WebhookRecord): Promise<void> {
    const { workspace, deliveries, lanes, forgotten, clock } = this.#parts;
    const before = new Set([...lanes.all()].map(({ position }) => position));
    const pending = await deliveries.pending(workspace);
    await deliveries.ended(workspace, pending.forgotten);
    if (pending.forgotten.length > 0) forgotten(pending.forgotten.length);
    // What ended while it was asked, page by page, may still be among them: it would go once more, after what is newer.
    const events = pending.events.filter(({ position }) => !before.has(position) || lanes.has(position));
    const there = new Set(events.map(({ position }) => position));
    lanes.keepOnly((position) => there.has(position));
    // What the setting's change may have mended need not wait any longer.
    const changedAt = Date.parse(record.updated_at);
    const triesOf = (position: Position): Tries | null => {
      const tries = pending.tries.get(position);
      if (!tries) return null;
      return tries.lastAt < changedAt ? { ...tries, nextAt: Math.min(tries.nextAt, clock.now()) } : tries;
    };
    await this.#add(record, events, triesOf);
    this.#inDoubt = false;
    this.#more = true;
  }

  async #readOn(record: WebhookRecord, stuck: boolean): Promise<boolean> {
    const { workspace, holder, deliveries, lanes } = this.#parts;
    while (this.#more && lanes.size <= (stuck ? WIDE_WINDOW : WINDOW) - PAGE) {
      // Before the reading: who says meanwhile that there are more may be right.
      this.#more = false;
      const events = await deliveries.read(workspace, holder, PAGE);
      if (events === null) return false;
      if (events.length === PAGE) this.#more = true;
      await this.#add(record, events, () => null);
    }
    return true;
  }

  async #add(
    record: WebhookRecord,
    events: readonly Undelivered[],
    triesOf: (position: Position) => Tries | null,
  ): Promise<void> {
    const { workspace, deliveries, lanes } = this.#parts;
    const unwanted: Position[] = [];
    for (const { position, event, size } of events) {
      if (lanes.has(position)) continue;
      if (!wants(record, event.type)) {
        unwanted.push(position);
        continue;
      }
      const keep = lanes.kept + size <= MOST_KEPT;
      lanes.add({
        position,
        id: event.id,
        lane: event.session_id ?? '',
        at: Date.parse(event.timestamp),
        tries: triesOf(position),
        accused: false,
        event: keep ? event : null,
        size: keep ? size : 0,
      });
    }
    await deliveries.ended(workspace, unwanted);
  }
}
