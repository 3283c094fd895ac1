import type { Clock } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import type { Logger } from '../common/logger.ts';
import { type EventData, eventId, type WharfEvent } from '../fleet/events/event.ts';
import type { EventLog } from '../fleet/events/event-log.ts';

/** What the backup service tells of. */
type BackupEventType = 'backup.completed' | 'backup.failed' | 'backup.damaged' | 'restore.completed';

/** How often an event is tried to be written down, and the pause between, milliseconds. */
const TRIES = 5;
const PAUSE = 3000;

/** Tells the fleet's event log what became of backups and restores. */
export class BackupEvents {
  readonly #events: Pick<EventLog, 'append'>;
  readonly #clock: Clock;
  readonly #log: Logger;

  constructor(events: Pick<EventLog, 'append'>, clock: Clock, log: Logger) {
    this.#events = events;
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * Writes an event down; never throws, since no backup fails of it. One that cannot be written after some tries is logged and lost.
   *
   * @param nature what tells it from all others of its type: the same gets the same id, and is written once
   */
  async tell<Type extends BackupEventType>(type: Type, nature: string, data: EventData<Type>): Promise<void> {
    const event: WharfEvent = {
      id: eventId(type, null, null, nature),
      type,
      timestamp: new Date(this.#clock.now()).toISOString(),
      workspace_id: null,
      session_id: null,
      data,
    };
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#events.append([event]);
      } catch (error) {
        if (attempt === TRIES)
          return this.#log.warn({ type, nature, reason: messageOf(error) }, 'an event could not be written');
        await this.#clock.sleep(PAUSE);
      }
    }
  }
}
