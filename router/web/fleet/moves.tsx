import type { Move } from '../api/types.ts';
import { Panel } from '../parts/panel.tsx';
import { Progress } from '../parts/progress.tsx';
import { StatusBadge } from '../parts/status-badge.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { ago, NOTHING } from '../state/text.ts';

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
const MOST_FAILED = 4;

/** The moves under way, and how far they have come; nothing where nothing moves. `moves` are in the order of their times. */
export function Moves({ moves }: { moves: readonly Move[] }) {
  const running = moves.filter((move) => !hasEnded(move));
  const [oldest] = running;
  if (oldest === undefined) return null;
  // All that were asked for since the oldest of those that run: one drain, mostly.
  const batch = moves.filter((move) => move.requested_at >= oldest.requested_at);
  const done = batch.filter(({ state }) => state === 'done').length;
  const failures = batch.filter(({ state }) => state === 'failed');
  const failed = failures.length;
  const begun = running.filter(({ state }) => state !== 'queued');
  const listed = [...begun, ...running.filter(({ state }) => state === 'queued')].slice(0, LISTED);
  return (
    <Panel
      name="moves"
      title="Moves"
      summary={
        <>
          <Progress label="Moves that have ended" done={done + failed} total={batch.length} />
          {done} of {batch.length} moved{failed > 0 && `, ${failed} failed`}
        </>
      }
    >
      <Table columns={COLUMNS}>
        {[...failures.slice(-MOST_FAILED), ...listed].map((move) => (
          <MoveRow key={move.id} move={move} />
        ))}
      </Table>
      {running.length > listed.length && <p class="more">{`and ${running.length - listed.length} more`}</p>}
    </Panel>
  );
}

function MoveRow({ move }: { move: Move }) {
  return (
    <tr>
      <th scope="row">{move.workspace_id}</th>
      <td>
        <StatusBadge status={move.state} />
        {move.error !== null && <span class="below below-bad">{move.error}</span>}
      </td>
      <td>{move.from}</td>
      <td>{move.to ?? NOTHING}</td>
      <td class="wide-only">{move.reason.replaceAll('_', ' ')}</td>
      <td class="wide-only">{ago(move.requested_at)}</td>
    </tr>
  );
}

function hasEnded({ state }: Move): boolean {
  return state === 'done' || state === 'failed';
}
