import { lookOf, nameKey, SESSION_STATUSES } from '../state/status.ts';
import type { Filter, View } from '../state/use-fleet.ts';
import type { DialogState } from './dialog-state.ts';
import { EmptyState } from './empty-state.tsx';
import { Icon } from './icon.tsx';
import { SessionRow } from './session-row.tsx';
import { type Column, Table } from './table.tsx';

const COLUMNS: readonly Column[] = [
  { heading: 'Session' },
  { heading: 'Status' },
  { heading: 'Phone number', from: 'wide' },
  { heading: 'Instance', from: 'wide' },
  { heading: 'Last activity', from: 'wide' },
  { heading: 'What to do', unseen: true },
];

interface SessionsProps {
  view: View | undefined;
  filter: Filter;
  onFilter: (filter: Filter) => void;
  onMore: () => void;
  onDialog: (dialog: DialogState) => void;
}

/** All sessions, or those looked for, and the way to a new one. */
export function Sessions(props: SessionsProps) {
  const { view, filter, onFilter } = props;
  const create = () => props.onDialog({ kind: 'create' });
  return (
    <section class="panel" aria-labelledby="sessions-title" aria-busy={view === undefined}>
      <div class="panel-head">
        <h2 id="sessions-title">Sessions</h2>
        <search class="filters" aria-label="Sessions">
          <input
            type="search"
            aria-label="Workspace"
            placeholder="Workspace"
            maxLength={64}
            value={filter.workspace}
            onChange={(event) => onFilter({ ...filter, workspace: event.currentTarget.value.trim() })}
          />
          <select
            aria-label="Status"
            value={filter.status}
            onChange={(event) => onFilter({ ...filter, status: event.currentTarget.value })}
          >
            <option value="">Any status</option>
            {SESSION_STATUSES.map((status) => (
              <option key={status} value={status}>
                {lookOf(status).label}
              </option>
            ))}
          </select>
        </search>
        <button type="button" class="button button-primary" onClick={create}>
          <Icon name="plus" /> New session
        </button>
      </div>
      <SessionList {...props} onCreate={create} />
    </section>
  );
}

function SessionList({
  view,
  filter,
  onFilter,
  onMore,
  onDialog,
  onCreate,
}: SessionsProps & { onCreate: () => void }) {
  if (view === undefined) return <p class="loading">Loading …</p>;
  if (view.sessions.length === 0 && (filter.workspace !== '' || filter.status !== '')) {
    return (
      <EmptyState icon="phone" title="No session is like that">
        <button type="button" class="button" onClick={() => onFilter({ workspace: '', status: '' })}>
          Show all sessions
        </button>
      </EmptyState>
    );
  }
  if (view.sessions.length === 0) {
    return (
      <EmptyState icon="phone" title="There is no session yet">
        <p>A session is one linked WhatsApp account. Create one, and scan its QR with the phone.</p>
        <button type="button" class="button" onClick={onCreate}>
          Create the first session
        </button>
      </EmptyState>
    );
  }
  return (
    <>
      <Table columns={COLUMNS}>
        {view.sessions.map((session) => (
          <SessionRow key={nameKey(session)} session={session} onDialog={onDialog} />
        ))}
      </Table>
      {view.more && (
        <p class="more">
          <button type="button" class="button" onClick={onMore}>
            Show more
          </button>
        </p>
      )}
    </>
  );
}
