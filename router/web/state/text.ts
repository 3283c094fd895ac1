/** Shown where there is nothing to show. */
export const NOTHING = '–';

/** How long ago a time was, in one unit. */
export function ago(iso: string | null | undefined, now: number = Date.now()): string {
  if (!iso) return NOTHING;
  const seconds = Math.max(0, Math.round((now - Date.parse(iso)) / 1000));
  if (seconds < 5) return 'just now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** A date and a time of day in the reader's own zone. */
export function dateTime(iso: string): string {
  const parts = { dateStyle: 'medium', timeStyle: 'short', hourCycle: 'h23' } as const;
  return new Date(iso).toLocaleString([], parts);
}

/** A time of day in the reader's own zone. */
export function timeOfDay(iso: string): string {
  const parts = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' } as const;
  return new Date(iso).toLocaleTimeString([], parts);
}

/** Megabytes, as GB from 1024 on. */
export function memory(megabytes: number): string {
  return megabytes < 1024 ? `${Math.round(megabytes)} MB` : `${(megabytes / 1024).toFixed(1)} GB`;
}

/** Bytes in the largest unit that says enough, of a thousand each, as `wharf backup list` shows them. */
export function bytes(number: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = number;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toFixed(unit > 0 && value < 9.95 ? 1 : 0)} ${units[unit]}`;
}

/** A count and what is counted; the plural is the singular with an `s` where none is given. */
export function count(number: number, one: string, many: string = `${one}s`): string {
  return `${number.toLocaleString('en').replaceAll(',', '\u202f')} ${number === 1 ? one : many}`;
}

/** How long something took or takes, in at most two units. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}

/** How long it is until a time, in one unit. */
export function until(iso: string, now: number = Date.now()): string {
  const seconds = Math.max(0, Math.round((Date.parse(iso) - now) / 1000));
  if (seconds < 60) return `in ${seconds} s`;
  if (seconds < 5400) return `in ${Math.round(seconds / 60)} min`;
  return `in ${Math.round(seconds / 3600)} h`;
}

/** A phone number as people write it; the router has digits alone. */
export function phone(digits: string | null | undefined): string {
  return digits ? `+${digits.replace(/^\+/, '').replace(/@.*$/, '')}` : NOTHING;
}
