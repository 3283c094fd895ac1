import { useCallback } from 'preact/hooks';
import type { Queue, Queues, QueueTotals } from '../api/types.ts';
import { EmptyState } from '../parts/empty-state.tsx';
import { Figure, Figures } from '../parts/figures.tsx';
import { Pager } from '../parts/pager.tsx';
import { Panel } from '../parts/panel.tsx';
import { ViewProblem } from '../parts/problem.tsx';
import { StatusBadge } from '../parts/status-badge.tsx';
import { type Column, Table } from '../parts/table.tsx';
import type { ViewProps } from '../shell/dialog-state.ts';
import { routeHash } from '../state/route.ts';
import { lookOf, nameKey } from '../state/status.ts';
import { ago, count, NOTHING, timeOfDay } from '../state/text.ts';
import { unlessAway } from '../state/use-fleet.ts';
import { usePages } from '../state/use-pages.ts';
import { usePoll } from '../state/use-poll.ts';
import type { Place } from '../state/use-route.ts';

/** Milliseconds between two looks. */
const INTERVAL = 2000;

/** Queues on a page. */
const PAGE = 50;

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

/** The states of a queue, the worst first. */
const STATES = ['stuck', 'waiting', 'limited', 'flowing', 'idle'] as const;

/** How the message queues stand, the worst first. */
export function QueuesView({ api, version, place }: ViewProps & { place: Place }) {
  const state = place.route.query['state'] ?? '';
  const { cursor, before, previous, next } = usePages(state);
  const load = useCallback(
    (signal: AbortSignal) =>
      unlessAway(
        api.fleet.queues(
          {
            limit: String(PAGE),
            ...(state === '' ? {} : { state }),
            ...(cursor === '' ? {} : { cursor }),
          },
          signal,
        ),
      ),
    [api, state, cursor, version],
  );
  const { data, error } = usePoll(load, INTERVAL);
  return (
    <>
      {data && <QueueFigures totals={data.totals} />}
      <Panel
        name="queues"
        title="Queues"
        unseenTitle
        busy={data === undefined}
        summary={data ? statesText(data.totals) : undefined}
        actions={
          <label class="inline-field">
            State
            <select
              value={state}
              onChange={({ currentTarget }) => place.narrow({ state: currentTarget.value })}
            >
              <option value="">Any</option>
              {STATES.map((each) => (
                <option key={each} value={each}>
                  {lookOf(each).label}
                </option>
              ))}
            </select>
          </label>
        }
      >
        <ViewProblem error={error} />
        {data === undefined && error === null && <p class="loading">Loading …</p>}
        {data === null && (
          <p class="loading">
            The queues cannot be read now: their Redis does not answer. What was accepted stays there.
          </p>
        )}
        {data?.totals.queues === 0 && <NoQueues state={state} onAll={() => place.narrow({ state: '' })} />}
        {data && data.queues.length > 0 && <QueueTable queues={data} />}
        {data && (
          <Pager
            what="queues"
            before={before * PAGE}
            shown={data.queues.length}
            total={data.totals.queues}
            onPrevious={previous}
            onNext={next(data.next_cursor)}
          />
        )}
      </Panel>
    </>
  );
}

function QueueFigures({ totals }: { totals: QueueTotals }) {
  const stuck = totals.by_state['stuck'] ?? 0;
  return (
    <Figures label="All queues">
      <Figure name="Queued" value={totals.depth} />
      <Figure name="Oldest" value={totals.oldest_at === null ? NOTHING : ago(totals.oldest_at)} />
      <Figure name="Sent in the last minute" value={totals.sent_last_minute} />
      <Figure name="Failed" value={totals.failed} below="since the counters began" />
      <Figure name="Stuck" value={stuck} alarming={stuck > 0} />
    </Figures>
  );
}

function NoQueues({ state, onAll }: { state: string; onAll: () => void }) {
  if (state !== '')
    return (
      <EmptyState icon="queues" title={`No queue is ${lookOf(state).label.toLowerCase()}`}>
        <button type="button" class="button" onClick={onAll}>
          Show all queues
        </button>
      </EmptyState>
    );
  return (
    <EmptyState icon="queues" title="No message was handed in yet">
      <p>A session has a queue from its first message on. Send one from a session that is ready.</p>
      <a class="button" href={routeHash('sessions', [], { status: 'ready' })}>
        Show sessions that are ready
      </a>
    </EmptyState>
  );
}

function QueueTable({ queues: { queues } }: { queues: Queues }) {
  return (
    <Table columns={COLUMNS}>
      {queues.map((queue) => (
        <QueueRow key={nameKey(queue)} queue={queue} />
      ))}
    </Table>
  );
}

function QueueRow({ queue }: { queue: Queue }) {
  const { workspace_id, session_id, failed, unknown } = queue;
  return (
    <tr>
      <th scope="row">
        <a class="name" href={routeHash('sessions', [String(workspace_id), session_id])}>
          {session_id}
        </a>
        <span class="below">Workspace {workspace_id}</span>
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
function statesText({ by_state, queues }: QueueTotals): string {
  const states = Object.entries(by_state)
    .filter(([, number]) => number > 0)
    .map(([state, number]) => `${number} ${lookOf(state).label.toLowerCase()}`);
  return states.length === 0 ? count(queues, 'queue') : states.join(', ');
}

/** With a time of day where the router named a time. */
function reasonText(reason: string): string {
  return reason.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/, timeOfDay);
}
