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
