import type { Fleet } from '../api/types.ts';
import { Panel } from '../parts/panel.tsx';
import { Progress } from '../parts/progress.tsx';
import { StatusBadge } from '../parts/status-badge.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { count } from '../state/text.ts';

const COLUMNS: readonly Column[] = [
  { heading: 'Instance' },
  { heading: 'State' },
  { heading: 'Workspaces to take' },
  { heading: 'Sessions starting' },
];

const WAITING_COLUMNS: readonly Column[] = [
  { heading: 'Workspace' },
  { heading: 'Was on' },
  { heading: 'Why' },
];

/** Workspaces that wait which are listed; all are counted. */
const LISTED = 10;

/** Who takes over how much, and what waits for an owner; nothing where everything has one. */
export function Takeovers({ fleet: { instances, waiting } }: { fleet: Fleet }) {
  const taking = instances.filter(({ unclaimed }) => unclaimed > 0);
  const left = taking.reduce((sum, { unclaimed }) => sum + unclaimed, 0) + waiting.total;
  if (left === 0) return null;
  const all = instances.reduce((sum, { workspaces }) => sum + workspaces, 0);
  const more = waiting.total - LISTED;
  return (
    <Panel
      name="takeovers"
      title="Changing owner"
      summary={
        <>
          <Progress label="Workspaces that have an owner" done={all - left} total={all} />
          {count(left, 'workspace')} without an owner now
        </>
      }
    >
      {taking.length > 0 && (
        <Table columns={COLUMNS}>
          {taking.map(({ id, unclaimed, by_status }) => (
            <tr key={id}>
              <th scope="row">{id}</th>
              <td>
                <StatusBadge status="claiming" />
              </td>
              <td>{unclaimed}</td>
              <td>{by_status.starting ?? 0}</td>
            </tr>
          ))}
        </Table>
      )}
      {waiting.total > 0 && (
        <Table columns={WAITING_COLUMNS}>
          {waiting.workspaces.slice(0, LISTED).map(({ workspace_id, instance, why }) => (
            <tr key={workspace_id}>
              <th scope="row">{workspace_id}</th>
              <td>{instance}</td>
              <td>{why}</td>
            </tr>
          ))}
        </Table>
      )}
      {more > 0 && <p class="more">and {more} more</p>}
    </Panel>
  );
}
