import { InvalidArgumentError } from 'commander';
import { ago, NOTHING, spanText } from './output/text.ts';

const HOUR = 3_600_000;
const UNITS: Readonly<Record<string, number>> = { h: HOUR, d: 24 * HOUR, w: 7 * 24 * HOUR };

/** When something is to expire, as an option says it: so many milliseconds from now, or at a time. */
export type Expiry = { after: number } | { at: Date };

/** Reads `12h`, `90d`, `4w`, a day (its beginning in UTC), or a time. Throws InvalidArgumentError. */
export function expiryArgument(text: string): Expiry {
  const span = /^([1-9]\d{0,3})([hdw])$/.exec(text);
  if (span) return { after: Number(span[1]) * (UNITS[span[2] ?? ''] ?? 0) };
  const at = new Date(text);
  const isTime = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text);
  const [day = ''] = text.split('T');
  // Of a 30th of February Date makes the 2nd of March.
  const isDay = isTime && new Date(`${day}T00:00:00Z`).toJSON()?.startsWith(day);
  if (isDay && Number.isFinite(at.getTime())) return { at };
  throw new InvalidArgumentError(
    'It must be a span of hours, days or weeks, such as 12h, 90d or 4w, a day such as 2027-01-31, or a time with its zone, such as 2027-01-31T18:00:00Z.',
  );
}

/** The time that was meant, ISO 8601 in UTC. */
export function expiryTime(expiry: Expiry, now: Date): string {
  return ('at' in expiry ? expiry.at : new Date(now.getTime() + expiry.after)).toISOString();
}

/** When something expires: `in 89 d 23 h`, `expired 3 d ago`, or nothing where it does not. */
export function expiryText(expiresAt: string | null | undefined, now: Date): string {
  if (!expiresAt) return NOTHING;
  const left = Date.parse(expiresAt) - now.getTime();
  return left > 0 ? `in ${spanText(left / 1000)}` : `expired ${ago(expiresAt, now)}`;
}
