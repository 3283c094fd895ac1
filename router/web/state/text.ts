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

/** A time of day in the reader's own zone. */
export function timeOfDay(iso: string): string {
  const parts = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' } as const;
  return new Date(iso).toLocaleTimeString([], parts);
}

/** Megabytes, as GB from 1024 on. */
export function memory(megabytes: number): string {
  return megabytes < 1024 ? `${Math.round(megabytes)} MB` : `${(megabytes / 1024).toFixed(1)} GB`;
}

/** A phone number as people write it; the router has digits alone. */
export function phone(digits: string | null | undefined): string {
  return digits ? `+${digits.replace(/^\+/, '').replace(/@.*$/, '')}` : NOTHING;
}
