import { useCallback } from 'preact/hooks';
import type { Restore, RestoreItem } from '../../../fleet/backup/api.ts';
import { isoOfStamp } from '../../../fleet/stamps.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Problem } from '../parts/problem.tsx';
import { Progress } from '../parts/progress.tsx';
import { ShowMore } from '../parts/show-more.tsx';
import { StatusBadge } from '../parts/status-badge.tsx';
import { type Column, Table } from '../parts/table.tsx';
import type { DialogProps } from '../shell/dialog-state.ts';
import { nameKey } from '../state/status.ts';
import { ago, bytes, dateTime, duration } from '../state/text.ts';
import { useFirst } from '../state/use-first.ts';
import { usePoll } from '../state/use-poll.ts';
import { useWork } from '../state/use-work.ts';
import { canBeUndone, isUnderWay, progressOf, whatText } from './restore-text.ts';

/** Milliseconds between two looks: while it goes on, and after. */
const RUNNING = 1000;
const ENDED = 10_000;

/** Sessions that are listed at first: those that failed, then those that are under way. */
const LISTED = 12;

const ORDER: readonly RestoreItem['state'][] = ['failed', 'switching', 'preparing'];

const COLUMNS: readonly Column[] = [
  { heading: 'Session' },
  { heading: 'State' },
  { heading: 'As of', from: 'wide' },
  { heading: 'Size', from: 'wide' },
];

/** How far a restore has come, with the ways to end it and to take it back. Closing the dialog ends nothing. */
export function RestoringDialog({ api, id, onState, onDone }: DialogProps & { id: string }) {
  const load = useCallback((signal: AbortSignal) => api.backups.restoreOf(id, signal), [api, id]);
  const { data, error, refresh } = usePoll(load, RUNNING, (restore) =>
    isUnderWay(restore) ? RUNNING : ENDED,
  );
  const { busy, error: fault, work } = useWork();
  const act = (action: 'cancel' | 'undo', said: string) =>
    work(async () => {
      await api.backups[action](id);
      onDone(said);
      refresh();
    });
  return (
    <Dialog
      title={data === undefined ? 'Restore' : `Restore of ${whatText(data)}`}
      onClose={() => onState(null)}
      wide
    >
      {data === undefined && error === null && <p class="waiting">Loading …</p>}
      {data !== undefined && <Standing restore={data} />}
      <Problem error={fault ?? error} />
      <div class="dialog-foot">
        {data?.state === 'running' && (
          <button
            type="button"
            class="button button-danger"
            disabled={busy}
            onClick={() => act('cancel', 'The restore ends; what was restored stays.')}
          >
            End it
          </button>
        )}
        {data !== undefined && canBeUndone(data) && (
          <button
            type="button"
            class="button button-danger"
            disabled={busy}
            onClick={() => act('undo', 'What the restore replaced is put back.')}
          >
            Undo: put back what was there
          </button>
        )}
        <button type="button" class="button" data-autofocus onClick={() => onState(null)}>
          Close
        </button>
      </div>
    </Dialog>
  );
}

function Standing({ restore }: { restore: Restore }) {
  const { state, backup, started_at, ended_at, done_bytes, left_seconds, warnings, sessions } = restore;
  const { done, total } = progressOf(restore);
  const { shown, more, showAll } = useFirst([...sessions].sort(byState), LISTED);
  return (
    <>
      <p class="entry-head">
        <StatusBadge status={state} />
        <Progress label="Sessions restored" done={done} total={total} />
        <span>
          {done} of {total} sessions, {bytes(done_bytes)} of {bytes(restore.bytes)}
          {isUnderWay(restore) && left_seconds !== null && `, about ${duration(left_seconds)} left`}
        </span>
      </p>
      {/* Read out when it ends, and not at each step. */}
      <p class="visually-hidden" role="status">
        {isUnderWay(restore) ? '' : `The restore has ended: ${state}.`}
      </p>
      <p class="hint">
        From the backup of {dateTime(isoOfStamp(backup))}. Begun {ago(started_at)}
        {ended_at !== null && `, took ${duration((Date.parse(ended_at) - Date.parse(started_at)) / 1000)}`}.
        {isUnderWay(restore) && ' It goes on when this is closed.'}
      </p>
      {warnings.length > 0 && (
        <details>
          <summary>What you should know</summary>
          <ul class="warnings">
            {warnings.map((warning) => (
              <li key={warning}>{warning}</li>
            ))}
          </ul>
        </details>
      )}
      <div class="dialog-table">
        <Table columns={COLUMNS}>
          {shown.map((item) => (
            <ItemRow key={nameKey(item)} item={item} />
          ))}
        </Table>
        <ShowMore more={more} onMore={showAll} />
      </div>
    </>
  );
}

function byState(one: RestoreItem, other: RestoreItem): number {
  return rankOf(one) - rankOf(other);
}

function rankOf({ state, error }: RestoreItem): number {
  // An undo that was refused has a reason too, and leaves the session restored.
  if (error !== null) return -1;
  const rank = ORDER.indexOf(state);
  return rank === -1 ? ORDER.length : rank;
}

function ItemRow({ item }: { item: RestoreItem }) {
  return (
    <tr>
      <th scope="row">
        {item.session_id}
        <span class="below">Workspace {item.workspace_id}</span>
      </th>
      <td>
        <StatusBadge status={item.state} />
        {item.error !== null && <span class="below below-bad">{item.error}</span>}
      </td>
      <td class="wide-only nowrap">{dateTime(item.taken_at)}</td>
      <td class="wide-only nowrap">{bytes(item.bytes)}</td>
    </tr>
  );
}
