import type { Move } from '../api/types.ts';
import { ago, NOTHING } from '../state/text.ts';
import { StatusBadge } from './status-badge.tsx';

/** Moves that are listed; all are counted. */
const LISTED = 8;

/** The moves under way, and how far they have come; nothing where nothing moves. `moves` are in the order of their times. */
export function Moves({ moves }: { moves: readonly Move[] }) {
  const running = moves.filter((move) => !hasEnded(move));
  const [oldest] = running;
  if (oldest === undefined) return null;
  // All that were asked for since the oldest of those that run: one drain, mostly.
  const batch = moves.filter((move) => move.requested_at >= oldest.requested_at);
  const done = batch.filter(({ state }) => state === 'done').length;
  const failed = batch.filter(({ state }) => state === 'failed').length;
  const begun = running.filter(({ state }) => state !== 'queued');
  const listed = [...begun, ...running.filter(({ state }) => state === 'queued')].slice(0, LISTED);
  return (
    <section class="panel" aria-labelledby="moves-title">
      <div class="panel-head">
        <h2 id="moves-title">Moves</h2>
        <progress
          class="progress"
          max={batch.length}
          value={done + failed}
          aria-label="Moves that have ended"
        />
        <span class="live">
          {done} of {batch.length} moved{failed > 0 && `, ${failed} failed`}
        </span>
      </div>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Workspace</th>
            <th scope="col">State</th>
            <th scope="col">From</th>
            <th scope="col">To</th>
            <th scope="col" class="wide-only">
              Reason
            </th>
            <th scope="col" class="wide-only">
              Asked for
            </th>
          </tr>
        </thead>
        <tbody>
          {listed.map((move) => (
            <tr key={move.id}>
              <th scope="row">{move.workspace_id}</th>
              <td>
                <StatusBadge status={move.state} />
              </td>
              <td>{move.from}</td>
              <td>{move.to ?? NOTHING}</td>
              <td class="wide-only">{move.reason}</td>
              <td class="wide-only">{ago(move.requested_at)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {running.length > listed.length && <p class="more">{`and ${running.length - listed.length} more`}</p>}
    </section>
  );
}

function hasEnded({ state }: Move): boolean {
  return state === 'done' || state === 'failed';
}
