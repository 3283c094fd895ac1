import type { Position } from '../../fleet/events/event-log.ts';
import { isSuspect, type Tries } from './retry-rules.ts';

/** A last try so far in the future, milliseconds, says that the clock was set back since: its next one is due then. */
const CLOCK_STEP = 60_000;

/** How soon after its head's failure the next of a lane tells something about the receiver, milliseconds. */
const RIGHT_AFTER = 10_000;

/** An event that was read and has not ended. */
export interface Waiting<Event> {
  position: Position;
  id: string;
  /** Whose order it keeps: its session; empty for what concerns none. */
  lane: string;
  /** When it happened, milliseconds since 1970. */
  at: number;
  tries: Tries | null;
  /** The next of its lane was taken after this one was not: it is tried once more to be sure. */
  accused: boolean;
  /** Null where it is not kept in memory, and is read again when it goes. */
  event: Event | null;
  /** What {@link Waiting.event} counts for, in characters. */
  size: number;
}

/** The next event to go; `after`: it goes as a probe, though the one before it in its lane was refused just now. */
export interface Candidate<Event> {
  waiting: Waiting<Event>;
  after: Waiting<Event> | null;
}

/**
 * The order of one receiver's events: those of a session one after the other, sessions beside each other.
 *
 * One exception: right after an event met the receiver for the tenth time or later, and was not taken, the next one of its session goes as a probe. If that is
 * taken, the first is accused and tried once more; if it is not taken then either, it was at fault and not the receiver, and whoever asked sets it
 * aside. Where the next one comes later, the first is tried before it anew: the receiver may have come back since.
 */
export class Lanes<Event> {
  readonly #lanes = new Map<string, Waiting<Event>[]>();
  readonly #known = new Map<Position, Waiting<Event>>();
  readonly #busy = new Set<string>();
  #kept = 0;

  /** Characters of the events that are kept in memory. */
  get kept(): number {
    return this.#kept;
  }

  get size(): number {
    return this.#known.size;
  }

  has(position: Position): boolean {
    return this.#known.has(position);
  }

  all(): Iterable<Waiting<Event>> {
    return this.#known.values();
  }

  /** Adds an event at the end of its lane; one that is known stays where it is. */
  add(waiting: Waiting<Event>): void {
    if (this.#known.has(waiting.position)) return;
    this.#known.set(waiting.position, waiting);
    this.#kept += waiting.size;
    const lane = this.#lanes.get(waiting.lane);
    if (lane) lane.push(waiting);
    else this.#lanes.set(waiting.lane, [waiting]);
  }

  /** An event has ended. */
  remove(position: Position): void {
    const waiting = this.#known.get(position);
    if (!waiting) return;
    this.#known.delete(position);
    this.#kept -= waiting.size;
    const lane = this.#lanes.get(waiting.lane) ?? [];
    const index = lane.indexOf(waiting);
    if (index >= 0) lane.splice(index, 1);
    if (lane.length === 0) this.#lanes.delete(waiting.lane);
  }

  /** Keeps only what is under way and what `stays`. */
  keepOnly(stays: (position: Position) => boolean): void {
    for (const { position, lane } of [...this.#known.values()])
      if (!this.#busy.has(lane) && !stays(position)) this.remove(position);
  }

  isBusy(lane: string): boolean {
    return this.#busy.has(lane);
  }

  /** Something of this lane is on its way: nothing else of it goes. When it may go on, all others come first. */
  occupy(lane: string): void {
    this.#busy.add(lane);
    const waiting = this.#lanes.get(lane);
    if (!waiting) return;
    this.#lanes.delete(lane);
    this.#lanes.set(lane, waiting);
  }

  leave(lane: string): void {
    this.#busy.delete(lane);
  }

  /** What may go now, at most so many: the lane that waits longest since its last first. */
  candidates(now: number, most: number): Candidate<Event>[] {
    const found: Candidate<Event>[] = [];
    for (const [name, lane] of this.#lanes) {
      if (found.length >= most) break;
      if (this.#busy.has(name)) continue;
      const [first, second] = lane;
      if (!first) continue;
      if (second && isFollower(first, second, now)) found.push({ waiting: second, after: first });
      else if (isDue(first, now) || (second?.tries === null && isSuspect(first.tries)))
        found.push({ waiting: first, after: null });
    }
    return found;
  }

  /** The one that goes right after the failure of the one before it, also where nothing else may go. */
  follower(now: number): Candidate<Event> | undefined {
    for (const [name, [first, second]] of this.#lanes)
      if (first && second && !this.#busy.has(name) && isFollower(first, second, now))
        return { waiting: second, after: first };
    return undefined;
  }

  /** What tells best whether a receiver is back, due or not: the one that was tried least. */
  probe(): Candidate<Event> | undefined {
    let best: Waiting<Event> | undefined;
    for (const [name, [first]] of this.#lanes)
      if (first && !this.#busy.has(name) && (!best || triesOf(first) < triesOf(best))) best = first;
    return best && { waiting: best, after: null };
  }

  /** When the next event is due by itself; null: none waits for a time. */
  nextDue(): number | null {
    let next: number | null = null;
    for (const [name, [first]] of this.#lanes) {
      const due = this.#busy.has(name) ? undefined : first?.tries?.nextAt;
      if (due !== undefined && (next === null || due < next)) next = due;
    }
    return next;
  }

  /** The receiver takes events again: what waits for its time goes at once. */
  allDue(now: number): void {
    for (const { tries } of this.#known.values()) if (tries) tries.nextAt = Math.min(tries.nextAt, now);
  }

  /** When the oldest happened, milliseconds since 1970. */
  oldest(): number | null {
    let oldest: number | null = null;
    for (const [, [first]] of this.#lanes)
      if (first && (oldest === null || first.at < oldest)) oldest = first.at;
    return oldest;
  }
}

function isDue({ tries }: { tries: Tries | null }, now: number): boolean {
  return tries === null || tries.nextAt <= now || tries.lastAt - now > CLOCK_STEP;
}

/** Whether the second of a lane tells now whether it is the first that is at fault: once after each failure of that. */
function isFollower(
  first: { tries: Tries | null; accused: boolean },
  second: { tries: Tries | null },
  now: number,
): boolean {
  if (first.accused || !isSuspect(first.tries)) return false;
  const failedAt = first.tries?.lastAt ?? 0;
  const wasAsked = second.tries !== null && second.tries.lastAt >= failedAt;
  return !wasAsked && now - failedAt >= 0 && now - failedAt < RIGHT_AFTER;
}

function triesOf({ tries }: { tries: Tries | null }): number {
  return tries?.count ?? 0;
}
