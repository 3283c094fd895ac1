/** Shown where there is nothing to show. */
export const NOTHING = '-';

/** How long ago a time was, in the largest unit that says enough: `3 s ago`, `5 min ago`, `2 h ago`, `4 d ago`. */
export function ago(iso: string | null | undefined, now: Date): string {
  if (!iso) return NOTHING;
  const seconds = Math.max(0, Math.round((now.getTime() - Date.parse(iso)) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** Bytes in the largest unit that says enough: `512 B`, `34 kB`, `1.5 MB`, `2.5 GB`; of a thousand each. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  // 999.5 would be shown as a thousand.
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit > 0 && value < 9.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** A time span: `0.4 s`, `48 s`, `2 min 5 s`, `1 h 20 min`, `3 d 4 h`. */
export function spanText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (seconds > 0 && seconds < 9.95 && !Number.isInteger(seconds))
    return `${Math.max(seconds, 0.1).toFixed(1)} s`;
  if (whole < 60) return `${whole} s`;
  const [large, small, size] =
    whole < 3600 ? ['min', 's', 60] : whole < 86_400 ? ['h', 'min', 3600] : ['d', 'h', 86_400];
  const rest = Math.floor((whole % size) / (size === 86_400 ? 3600 : size / 60));
  const first = `${Math.floor(whole / size)} ${large}`;
  return rest === 0 ? first : `${first} ${rest} ${small}`;
}

/** A time in UTC, to the second: `2026-11-22T09:00:03Z`. */
export function timeText(iso: string): string {
  return iso.replace(/\.\d+Z$/, 'Z');
}

/** `1 session`, `2 sessions`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** A text on one line, no longer than asked. Control characters go: what comes from elsewhere must not steer the terminal. */
export function oneLine(text: string, longest: number): string {
  const clean = text.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim();
  return clean.length > longest ? `${clean.slice(0, longest - 3)}...` : clean;
}

/** A value as scripts read it: JSON, indented, ending in a new line. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
