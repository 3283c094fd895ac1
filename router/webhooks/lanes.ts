import type { Position } from '../../fleet/events/event-log.ts';
import { TRIES_BEFORE_ASIDE, type Tries } from './retry-rules.ts';

/** A last try so far in the future, milliseconds, says that the clock was set back since: its next one is due then. */
const CLOCK_STEP = 60_000;

/** An event that was read and has not ended. */
export interface Waiting<Event> {
  position: Position;
  id: string;
  /** Whose order it keeps: its session; empty for what concerns none. */
  lane: string;
  /** When it happened, milliseconds since 1970. */
  at: number;
  tries: Tries | null;
  /** Null where it is not kept in memory, and is read again when it goes. */
  event: Event | null;
  /** What {@link Waiting.event} counts for, in characters. */
  size: number;
}

/** The next event to go; `after`: it goes as a probe, though the one before it in its lane has not been taken. */
export interface Candidate<Event> {
  waiting: Waiting<Event>;
  after: Waiting<Event> | null;
}

/**
 * The order of one receiver's events: those of a session one after the other, sessions beside each other.
 *
 * One exception: behind an event that was refused ten times the next one of its session goes as a probe. If that is taken, the refused one was
 * at fault and not the receiver; whoever asked sets it aside.
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
      if (first && isDue(first, now)) found.push({ waiting: first, after: null });
      else if (first && second && isRefused(first) && isDue(second, now))
        found.push({ waiting: second, after: first });
    }
    return found;
  }

  /** What tells best whether a receiver is back, due or not: the one that was tried least. One that is refused by itself is no good for that. */
  probe(): Candidate<Event> | undefined {
    let best: Candidate<Event> | undefined;
    for (const [name, lane] of this.#lanes) {
      if (this.#busy.has(name)) continue;
      const [first, second] = lane;
      if (!first) continue;
      const next: Candidate<Event> =
        second && isRefused(first) ? { waiting: second, after: first } : { waiting: first, after: null };
      if (!best || triesOf(next) < triesOf(best)) best = next;
    }
    return best;
  }

  /** When the next event is due by itself; null: none waits for a time. */
  nextDue(): number | null {
    let next: number | null = null;
    for (const [name, lane] of this.#lanes) {
      if (this.#busy.has(name)) continue;
      const [first, second] = lane;
      for (const waiting of first && isRefused(first) ? [first, second] : [first]) {
        const due = waiting?.tries?.nextAt;
        if (due !== undefined && (next === null || due < next)) next = due;
      }
    }
    return next;
  }

  /** The receiver takes events again: what waits for its time goes at once, but for what was refused by itself. */
  allDue(now: number): void {
    for (const { tries } of this.#known.values())
      if (tries && tries.count < TRIES_BEFORE_ASIDE) tries.nextAt = Math.min(tries.nextAt, now);
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

function isRefused({ tries }: { tries: Tries | null }): boolean {
  return tries !== null && tries.count >= TRIES_BEFORE_ASIDE;
}

function triesOf({ waiting }: Candidate<unknown>): number {
  return waiting.tries?.count ?? 0;
}
