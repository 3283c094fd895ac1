/** How many numbers that were skipped are remembered; the lowest are forgotten first. */
const GAPS_KEPT = 1000;

/** Numbers a device has used for its messages: the highest, and those below it that have not come (yet). */
export interface Sequence {
  highest: number;
  gaps: number[];
}

export function newSequence(): Sequence {
  return { highest: 0, gaps: [] };
}

/**
 * Takes the number of a new message. False when it was used before, which only a device does that runs on an older profile; a number that comes
 * late (its frame was lost, and was sent again after others) is fine.
 */
export function take(sequence: Sequence, number: number): boolean {
  if (number > sequence.highest) {
    const first = Math.max(sequence.highest + 1, number - GAPS_KEPT);
    for (let gap = first; gap < number; gap += 1) sequence.gaps.push(gap);
    sequence.gaps.splice(0, Math.max(0, sequence.gaps.length - GAPS_KEPT));
    sequence.highest = number;
    return true;
  }
  const index = sequence.gaps.indexOf(number);
  if (index === -1) return false;
  sequence.gaps.splice(index, 1);
  return true;
}

/** Counts from a lower number on, as the device does now. */
export function rewind(sequence: Sequence, number: number): void {
  sequence.highest = number;
  sequence.gaps = sequence.gaps.filter((gap) => gap < number);
}
