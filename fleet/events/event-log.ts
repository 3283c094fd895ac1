import type { SessionId, WorkspaceId } from '../ids.ts';
import type { EventType, WharfEvent } from './event.ts';

/** Where an event stands in the log: a decimal number that grows over all workspaces. Text, since it is what SSE calls `Last-Event-ID`. */
export type Position = string;

export interface LoggedEvent {
  position: Position;
  event: WharfEvent;
}

/** Which events somebody wants. No workspace: those of all, and the fleet's. */
export interface EventFilter {
  workspace?: WorkspaceId;
  session?: SessionId;
  types?: readonly EventType[];
}

/** A stretch of the log. `gap`: some before `events` were forgotten already. */
export interface EventPage {
  events: LoggedEvent[];
  /** Where to go on, also when nothing in the stretch passed the filter. */
  next: Position;
  /** False: there is more after `next` right now. */
  atEnd: boolean;
  gap: boolean;
}

/** The events of the fleet, in Redis, for as long as they are kept. Throws `queue_unavailable`. */
export interface EventLog {
  /** Writes events down; one whose id was written before changes nothing. Durable when it resolves. The order given holds within a workspace. */
  append(events: readonly WharfEvent[]): Promise<void>;
  /** What comes after a position. */
  after(position: Position, filter: EventFilter, limit: number): Promise<EventPage>;
  /** The last position there is. */
  end(): Promise<Position>;
  /** These events of a workspace have been delivered: where none are kept beyond that, they are removed. */
  forget(workspace: WorkspaceId, positions: readonly Position[]): Promise<void>;
  /**
   * Hears that a workspace has new events; null: the fleet. A word may get lost: look from time to time.
   *
   * @param missed words may have been lost until now: called when it begins to hear, and after every loss of the connection
   */
  listen(
    workspace: WorkspaceId | 'all',
    hear: (workspace: WorkspaceId | null) => void,
    missed?: () => void,
  ): () => void;
}
