import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Session, SessionPage } from '../api/types.ts';
import { EmptyState } from '../parts/empty-state.tsx';
import { Icon } from '../parts/icon.tsx';
import { Pager } from '../parts/pager.tsx';
import { Panel } from '../parts/panel.tsx';
import { ViewProblem } from '../parts/problem.tsx';
import { type Column, Table } from '../parts/table.tsx';
import type { DialogState, ViewProps } from '../shell/dialog-state.ts';
import { changesText, nameKey } from '../state/status.ts';
import { count } from '../state/text.ts';
import { usePages } from '../state/use-pages.ts';
import { usePoll } from '../state/use-poll.ts';
import type { Place } from '../state/use-route.ts';
import { SessionFilters, StatusFilter } from './session-filters.tsx';
import { SessionRow } from './session-row.tsx';

/** Milliseconds between two looks. */
const INTERVAL = 2000;

/** Sessions on a page. */
const PAGE = 50;

const COLUMNS: readonly Column[] = [
  { heading: 'Session' },
  { heading: 'Status' },
  { heading: 'Phone number', from: 'wide' },
  { heading: 'Instance', from: 'roomy' },
  { heading: 'Last activity', from: 'wide' },
  { heading: 'What to do', unseen: true },
];

/** Names of the filters in the address, and what the router calls them. */
const FILTERS = { q: 'q', status: 'status', instance: 'instance', workspace: 'workspace_id' } as const;

/** All sessions, or those looked for, a page at a time, and the way to a new one. */
export function SessionsView({ api, isAdmin, version, onDialog, place }: ViewProps & { place: Place }) {
  const { query } = place.route;
  const filter = useMemo(() => filterOf(query), [query]);
  const { cursor, before, previous, next } = usePages(JSON.stringify(filter));
  const load = useCallback(
    (signal: AbortSignal) =>
      api.sessions({ ...filter, limit: String(PAGE), ...(cursor === '' ? {} : { cursor }) }, signal),
    [api, filter, cursor, version],
  );
  const { data, error } = usePoll(load, INTERVAL);
  const create = () => onDialog({ kind: 'create' });
  return (
    <>
      <Changes sessions={data?.sessions} />
      <StatusFilter
        byStatus={data?.by_status ?? {}}
        chosen={query['status'] ?? ''}
        onChoose={(status) => place.narrow({ status })}
      />
      <Panel
        name="sessions"
        title="Sessions"
        unseenTitle
        filters={<SessionFilters query={query} isAdmin={isAdmin} onNarrow={place.narrow} />}
        busy={data === undefined}
        summary={data === undefined ? undefined : count(data.total, 'session')}
        actions={
          <button type="button" class="button button-primary" onClick={create}>
            <Icon name="plus" /> New session
          </button>
        }
      >
        <ViewProblem error={error} />
        {data === undefined && error === null && <p class="loading">Loading …</p>}
        {data?.sessions.length === 0 && (
          <NoSessions
            isFiltered={Object.keys(filter).length > 0 || before > 0}
            onCreate={create}
            onAll={() => place.narrow({ q: '', status: '', instance: '', workspace: '' })}
          />
        )}
        {data !== undefined && data.sessions.length > 0 && <SessionTable page={data} onDialog={onDialog} />}
        {data !== undefined && (
          <Pager
            what="sessions"
            before={before * PAGE}
            shown={data.sessions.length}
            total={data.total}
            onPrevious={previous}
            onNext={next(data.next_cursor)}
          />
        )}
      </Panel>
    </>
  );
}

function filterOf(query: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(FILTERS).flatMap(([name, asked]) => {
      const value = query[name]?.trim() ?? '';
      return value === '' ? [] : [[asked, value]];
    }),
  );
}

function SessionTable({ page, onDialog }: { page: SessionPage; onDialog: (dialog: DialogState) => void }) {
  return (
    <Table columns={COLUMNS}>
      {page.sessions.map((session) => (
        <SessionRow key={nameKey(session)} session={session} onDialog={onDialog} />
      ))}
    </Table>
  );
}

function NoSessions(props: { isFiltered: boolean; onCreate: () => void; onAll: () => void }) {
  if (props.isFiltered)
    return (
      <EmptyState icon="phone" title="No session is like that">
        <button type="button" class="button" onClick={props.onAll}>
          Show all sessions
        </button>
      </EmptyState>
    );
  return (
    <EmptyState icon="phone" title="There is no session yet">
      <p>A session is one linked WhatsApp account. Create one, and scan its QR with the phone.</p>
      <button type="button" class="button" onClick={props.onCreate}>
        Create the first session
      </button>
    </EmptyState>
  );
}

/** Reads out what changed on the page that is shown. */
function Changes({ sessions }: { sessions: Session[] | undefined }) {
  const before = useRef<Session[]>([]);
  const [changes, setChanges] = useState('');
  useEffect(() => {
    if (sessions === undefined) return;
    const text = changesText(before.current, sessions);
    before.current = sessions;
    if (text !== '') setChanges(text);
  }, [sessions]);
  return (
    <p class="visually-hidden" aria-live="polite">
      {changes}
    </p>
  );
}
