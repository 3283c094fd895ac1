import type { Position } from '../../fleet/events/event-log.ts';

const POSITION = /^(?:0|[1-9]\d{0,15})$/;

/** True for what a log may have called a position. */
export function isPosition(text: string): boolean {
  return POSITION.test(text);
}

/** Whether one position lies after another; they are decimal numbers that may be larger than JavaScript's are exact. */
export function isAfter(one: Position, other: Position): boolean {
  return one.length === other.length ? one > other : one.length > other.length;
}

/** The later of two positions. */
export function later(one: Position, other: Position): Position {
  return isAfter(one, other) ? one : other;
}
