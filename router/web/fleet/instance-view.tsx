import { useCallback, useState } from 'preact/hooks';
import type { Fleet, Workspace } from '../api/types.ts';
import { EmptyState } from '../parts/empty-state.tsx';
import { Pager } from '../parts/pager.tsx';
import { Panel } from '../parts/panel.tsx';
import { ViewProblem } from '../parts/problem.tsx';
import { StatusBadge } from '../parts/status-badge.tsx';
import { StatusBar } from '../parts/status-bar.tsx';
import { type Column, Table } from '../parts/table.tsx';
import type { ViewProps } from '../shell/dialog-state.ts';
import { routeHash } from '../state/route.ts';
import { count } from '../state/text.ts';
import { usePages } from '../state/use-pages.ts';
import { usePoll } from '../state/use-poll.ts';
import { reasonOf, stateOf } from './instance-state.ts';
import { InstanceActions, InstanceCount, InstanceFacts } from './instance-tile.tsx';

/** Milliseconds between two looks. */
const INTERVAL = 3000;

/** Workspaces on a page. */
const PAGE = 50;

const COLUMNS: readonly Column[] = [
  { heading: 'Workspace' },
  { heading: 'State' },
  { heading: 'Home' },
  { heading: 'Epoch', from: 'wide' },
  { heading: 'Sessions', from: 'wide' },
  { heading: 'What can be done', unseen: true },
];

interface InstanceViewProps extends ViewProps {
  id: string;
  fleet: Fleet | undefined;
}

/** One instance, and the workspaces that are on it. */
export function InstanceView({ id, fleet, ...props }: InstanceViewProps) {
  const instance = fleet?.instances.find((each) => each.id === id);
  const back = (
    <p class="crumbs">
      <a href={routeHash('fleet')}>All instances</a>
    </p>
  );
  if (fleet !== undefined && instance === undefined)
    return (
      <>
        {back}
        <EmptyState icon="server" title={`There is no ${id}`}>
          <p>It has ended, and nothing is assigned to it any more.</p>
        </EmptyState>
      </>
    );
  return (
    <>
      {back}
      {instance !== undefined && (
        <Panel
          name="instance"
          title={id}
          summary={<StatusBadge status={stateOf(instance)} />}
          actions={<InstanceActions instance={instance} onDialog={props.onDialog} />}
        >
          <div class="panel-body">
            {reasonOf(instance) !== '' && <p class="tile-reason">{reasonOf(instance)}</p>}
            <InstanceCount instance={instance} />
            <StatusBar of={id} totals={instance.by_status} room={instance.capacity} />
            <InstanceFacts instance={instance} />
            <p>
              <a href={routeHash('sessions', [], { instance: id })}>
                Show its {count(instance.sessions, 'session')}
              </a>
            </p>
          </div>
        </Panel>
      )}
      <Workspaces {...props} id={id} />
    </>
  );
}

function Workspaces({ api, version, onDialog, id }: ViewProps & { id: string }) {
  const [onlyAway, setOnlyAway] = useState(false);
  const { cursor, before, previous, next } = usePages(`${id} ${onlyAway}`);
  const load = useCallback(
    (signal: AbortSignal) =>
      api.fleet.workspaces(
        {
          instance: id,
          limit: String(PAGE),
          ...(onlyAway ? { away: 'true' } : {}),
          ...(cursor === '' ? {} : { cursor }),
        },
        signal,
      ),
    [api, id, onlyAway, cursor, version],
  );
  const { data, error } = usePoll(load, INTERVAL);
  return (
    <Panel
      name="workspaces"
      title="Workspaces"
      busy={data === undefined}
      summary={data === undefined ? undefined : count(data.total, 'workspace')}
      actions={
        <label class="check">
          <input
            type="checkbox"
            checked={onlyAway}
            onChange={({ currentTarget }) => setOnlyAway(currentTarget.checked)}
          />
          Only those away from home
        </label>
      }
    >
      <ViewProblem error={error} />
      {data === undefined && error === null && <p class="loading">Loading …</p>}
      {data?.workspaces.length === 0 && (
        <p class="loading">
          {onlyAway ? 'All of its workspaces are at home here.' : 'It has no workspaces.'}
        </p>
      )}
      {data !== undefined && data.workspaces.length > 0 && (
        <Table columns={COLUMNS}>
          {data.workspaces.map((workspace) => (
            <WorkspaceRow
              key={workspace.workspace_id}
              workspace={workspace}
              onMove={() =>
                onDialog({
                  kind: 'move',
                  workspace: workspace.workspace_id,
                  from: id,
                  sessions: workspace.sessions,
                })
              }
            />
          ))}
        </Table>
      )}
      {data !== undefined && (
        <Pager
          what="workspaces"
          before={before * PAGE}
          shown={data.workspaces.length}
          total={data.total}
          onPrevious={previous}
          onNext={next(data.next_cursor)}
        />
      )}
    </Panel>
  );
}

function WorkspaceRow({ workspace, onMove }: { workspace: Workspace; onMove: () => void }) {
  const { workspace_id, home, instance, epoch, claimed, sessions, ready } = workspace;
  const isHome = home === instance;
  return (
    <tr>
      <th scope="row">
        <a class="name" href={routeHash('sessions', [], { workspace: String(workspace_id) })}>
          {workspace_id}
        </a>
      </th>
      <td>
        <StatusBadge status={!claimed ? 'claiming' : ready === sessions ? 'ready' : 'not_all_ready'} />
      </td>
      <td>{isHome ? 'here' : <span class="below-attention">{home}</span>}</td>
      <td class="wide-only">{epoch}</td>
      <td class="wide-only">
        {ready} of {sessions} ready
      </td>
      <td class="last">
        <button
          type="button"
          class="button button-small"
          aria-label={`Move workspace ${workspace_id}`}
          onClick={onMove}
        >
          Move
        </button>
      </td>
    </tr>
  );
}
