import type { Totals } from '../api/types.ts';
import { lookOf, SESSION_STATUSES, type Tone } from '../state/status.ts';

/** Sessions of a status, as a part of the bar. */
interface Share {
  status: string;
  label: string;
  tone: Tone;
  sessions: number;
}

/** Sessions by status as one bar, of as much as fits where that is known; and the same in words. */
export function StatusBar({ of, totals, room }: { of: string; totals: Totals; room?: number | undefined }) {
  const shares = sharesOf(totals);
  const all = shares.reduce((sum, { sessions }) => sum + sessions, 0);
  const whole = Math.max(room ?? 0, all, 1);
  const words = shares.map(({ sessions, label }) => `${sessions} ${label.toLowerCase()}`).join(', ');
  return (
    <>
      <div class="bar" role="img" aria-label={`Sessions of ${of}: ${words === '' ? 'none' : words}`}>
        {shares.map(({ status, tone, sessions }) => (
          <span key={status} class={`bar-${tone}`} style={{ width: `${(sessions / whole) * 100}%` }} />
        ))}
      </div>
      <ul class="legend" aria-hidden="true">
        {shares.map(({ status, tone, sessions, label }) => (
          <li key={status} class={`dot-${tone}`}>
            {sessions} {label.toLowerCase()}
          </li>
        ))}
        {shares.length === 0 && <li class="dot-idle">no sessions</li>}
      </ul>
    </>
  );
}

const TONES: readonly Tone[] = ['good', 'progress', 'attention', 'bad', 'idle'];

/** From well to wrong, so that bars beside each other can be compared. */
function sharesOf(totals: Totals): Share[] {
  return SESSION_STATUSES.map((status) => ({ status, ...lookOf(status), sessions: totals[status] ?? 0 }))
    .filter(({ sessions }) => sessions > 0)
    .sort((one, other) => TONES.indexOf(one.tone) - TONES.indexOf(other.tone));
}
