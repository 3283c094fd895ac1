import type { Queue, Queues } from '../api/types.ts';
import { lookOf, nameKey } from '../state/status.ts';
import { ago, timeOfDay } from '../state/text.ts';
import { StatusBadge } from './status-badge.tsx';
import { type Column, Table } from './table.tsx';

const COLUMNS: readonly Column[] = [
  { heading: 'Session' },
  { heading: 'State' },
  { heading: 'Depth' },
  { heading: 'Oldest', from: 'wide' },
  { heading: 'Sent a minute', from: 'wide' },
  { heading: 'Sent', from: 'roomy' },
  { heading: 'Failed', from: 'wide' },
  { heading: 'Unknown', from: 'roomy' },
];

/** How the message queues stand, the worst first. */
export function QueuesPanel({ queues, onMore }: { queues: Queues | null; onMore: () => void }) {
  return (
    <section class="panel" aria-labelledby="queues-title">
      <div class="panel-head">
        <h2 id="queues-title">Queues</h2>
        {queues !== null && queues.totals.queues > 0 && (
          <span class="summary">
            {queues.totals.depth} message{queues.totals.depth === 1 ? '' : 's'}; {statesText(queues)}
          </span>
        )}
      </div>
      {queues === null && (
        <p class="loading">
          The queues cannot be read now: their Redis does not answer. What was accepted stays there.
        </p>
      )}
      {queues?.totals.queues === 0 && (
        <p class="loading">No message was handed in yet. A session has a queue from its first one on.</p>
      )}
      {queues !== null && queues.queues.length > 0 && <QueueTable queues={queues.queues} />}
      {queues !== null && queues.queues.length < queues.totals.queues && (
        <p class="more">
          <button type="button" class="button" aria-label="Show more queues" onClick={onMore}>
            Show more
          </button>
        </p>
      )}
    </section>
  );
}

function QueueTable({ queues }: { queues: readonly Queue[] }) {
  return (
    <Table columns={COLUMNS}>
      {queues.map((queue) => (
        <QueueRow key={nameKey(queue)} queue={queue} />
      ))}
    </Table>
  );
}

function QueueRow({ queue }: { queue: Queue }) {
  const { failed, unknown } = queue;
  return (
    <tr>
      <th scope="row">
        {queue.session_id}
        <span class="below">Workspace {queue.workspace_id}</span>
      </th>
      <td>
        <StatusBadge status={queue.state} />
        {queue.reason !== '' && <span class="below">{reasonText(queue.reason)}</span>}
      </td>
      <td>
        {queue.depth}
        {queue.delayed > 0 && <span class="below nowrap">{queue.delayed} for later</span>}
      </td>
      <td class="wide-only nowrap">{ago(queue.oldest_at)}</td>
      <td class="wide-only">{queue.sent_last_minute}</td>
      <td class="roomy-only">{queue.sent}</td>
      <td class={failed > 0 ? 'wide-only below-bad' : 'wide-only'}>{failed}</td>
      <td class="roomy-only">{unknown}</td>
    </tr>
  );
}

/** `1 stuck, 3 flowing` */
function statesText({ totals }: Queues): string {
  return Object.entries(totals.by_state)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${lookOf(state).label.toLowerCase()}`)
    .join(', ');
}

/** With a time of day where the router named a time. */
function reasonText(reason: string): string {
  return reason.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/, timeOfDay);
}
