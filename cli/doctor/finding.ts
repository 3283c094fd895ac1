/** What a check says of a host. */
export interface Finding {
  /** What was looked at: a few words. */
  subject: string;
  /** `failed`: Wharf will not work; `warning`: it will, and something is worse than it should be; `skipped`: not looked at. */
  status: 'ok' | 'warning' | 'failed' | 'skipped';
  /** What was found. */
  detail: string;
  /** What to do about it. */
  hint?: string;
}
