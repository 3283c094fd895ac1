/*
 * Moments as they stand in names of files and ids, which then sort by time. Nothing of Node: the web page reads them too.
 */

const STAMP = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;
const FINE_STAMP = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z$/;

/** A moment, milliseconds since 1970, to the second: `20261122T093000Z`. Throws RangeError where it is none. */
export function stampOf(time: number): string {
  return new Date(time).toISOString().replace(/[-:]|\.\d+/g, '');
}

/** The moment that a stamp to the second names, milliseconds since 1970; null where it is no such stamp, or names none. */
export function timeOfStamp(stamp: string): number | null {
  return STAMP.test(stamp) ? timeOf(isoOfStamp(stamp)) : null;
}

/** The same moment in ISO 8601: `2026-11-22T09:30:00Z`. What is no stamp to the second comes back as it is. */
export function isoOfStamp(stamp: string): string {
  return stamp.replace(STAMP, '$1-$2-$3T$4:$5:$6Z');
}

/** A moment, milliseconds since 1970, to the millisecond: `20261122T093000123Z`. Throws RangeError where it is none. */
export function fineStampOf(time: number): string {
  return new Date(time).toISOString().replace(/[-:.]/g, '');
}

/** The moment that a stamp to the millisecond names, milliseconds since 1970; null where it is no such stamp, or names none. */
export function timeOfFineStamp(stamp: string): number | null {
  return FINE_STAMP.test(stamp) ? timeOf(stamp.replace(FINE_STAMP, '$1-$2-$3T$4:$5:$6.$7Z')) : null;
}

function timeOf(iso: string): number | null {
  const time = Date.parse(iso);
  return Number.isNaN(time) ? null : time;
}
