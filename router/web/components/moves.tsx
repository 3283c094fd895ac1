import type { Move } from '../api/types.ts';
import { ago, NOTHING } from '../state/text.ts';
import { StatusBadge } from './status-badge.tsx';
import { type Column, Table } from './table.tsx';

const COLUMNS: readonly Column[] = [
  { heading: 'Workspace' },
  { heading: 'State' },
  { heading: 'From' },
  { heading: 'To' },
  { heading: 'Reason', from: 'wide' },
  { heading: 'Asked for', from: 'wide' },
];

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
      <Table columns={COLUMNS}>
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
      </Table>
      {running.length > listed.length && <p class="more">{`and ${running.length - listed.length} more`}</p>}
    </section>
  );
}

function hasEnded({ state }: Move): boolean {
  return state === 'done' || state === 'failed';
}
