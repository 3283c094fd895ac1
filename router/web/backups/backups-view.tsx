import { ApiError } from '../api/transport.ts';
import type { Backup, Backups } from '../api/types.ts';
import { EmptyState } from '../parts/empty-state.tsx';
import { Figure, Figures } from '../parts/figures.tsx';
import { Panel } from '../parts/panel.tsx';
import { Progress } from '../parts/progress.tsx';
import { StatusBadge } from '../parts/status-badge.tsx';
import { type Column, Table } from '../parts/table.tsx';
import type { DialogState, ViewProps } from '../shell/dialog-state.ts';
import { ago, bytes, count, dateTime, NOTHING, until } from '../state/text.ts';
import { Operations } from './operations.tsx';
import { Restores } from './restores.tsx';

const COLUMNS: readonly Column[] = [
  { heading: 'Backup' },
  { heading: 'State' },
  { heading: 'Sessions', from: 'wide' },
  { heading: 'Size', from: 'wide' },
  { heading: 'Sent', from: 'roomy' },
  { heading: 'Kept as', from: 'roomy' },
  { heading: 'What can be done', unseen: true },
];

interface BackupsProps extends Pick<ViewProps, 'onDialog'> {
  backups: Backups | undefined;
  error: Error | null;
}

/** The backups, when the next is made, what the service does and did, and the ways to back up and to restore. */
export function BackupsView({ backups, error, onDialog }: BackupsProps) {
  // A router that is away is told of above.
  if (error !== null && !(error instanceof ApiError && error.isUnreachable))
    return (
      <Panel name="backups" title="Backups">
        <EmptyState icon="backups" title="The backups cannot be seen now">
          <p>{error.message}</p>
        </EmptyState>
      </Panel>
    );
  if (backups === undefined) return <p class="loading">Loading …</p>;
  return (
    <>
      <BackupFigures backups={backups} />
      {backups.restores.length > 0 && <Restores restores={backups.restores} />}
      <BackupsPanel backups={backups} onDialog={onDialog} />
      <Operations operations={backups.operations} />
    </>
  );
}

function BackupFigures({ backups: { list } }: { backups: Backups }) {
  const [newest] = list.backups;
  return (
    <Figures label="Overview">
      <Figure
        name="Last one that succeeded"
        value={list.last_success === null ? 'None yet' : ago(list.last_success)}
        alarming={list.last_success === null && list.backups.length > 0}
      />
      <Figure
        name="Next"
        value={list.next_run === null ? NOTHING : until(list.next_run)}
        below={`at ${list.schedule} (UTC)`}
      />
      <Figure name="Kept" value={list.backups.length} below={list.store} />
      {newest !== undefined && newest.restore_bytes !== null && (
        <Figure name="A restore of all reads" value={bytes(newest.restore_bytes)} />
      )}
    </Figures>
  );
}

function BackupsPanel({
  backups: { list },
  onDialog,
}: {
  backups: Backups;
  onDialog: (dialog: DialogState) => void;
}) {
  const { running } = list;
  return (
    <Panel
      name="backups"
      title="Backups"
      summary={running === null ? undefined : <Running running={running} />}
      actions={
        <>
          <button
            type="button"
            class="button button-small"
            disabled={running !== null || list.backups.length === 0}
            onClick={() => onDialog({ kind: 'backup', task: 'verify' })}
          >
            Verify
          </button>
          <button
            type="button"
            class="button button-small"
            disabled={running !== null}
            onClick={() => onDialog({ kind: 'backup', task: 'run' })}
          >
            Back up now
          </button>
          <button
            type="button"
            class="button button-primary button-small"
            disabled={list.backups.length === 0}
            onClick={() => onDialog({ kind: 'restore', subject: {} })}
          >
            Restore …
          </button>
        </>
      }
    >
      {list.backups.length === 0 && (
        <EmptyState icon="backups" title="There is no backup yet">
          <p>One is made at {list.schedule} (UTC), or now.</p>
        </EmptyState>
      )}
      {list.backups.length > 0 && (
        <Table columns={COLUMNS}>
          {list.backups.map((backup) => (
            <BackupRow key={backup.id} backup={backup} onDialog={onDialog} />
          ))}
        </Table>
      )}
    </Panel>
  );
}

const WORDS: Readonly<Record<string, string>> = {
  run: 'Backing up sessions',
  verify: 'Checking objects',
  prune: 'Removing objects',
};

function Running({ running: { kind, done, total } }: { running: NonNullable<Backups['list']['running']> }) {
  return (
    <>
      <Progress label={`How far the ${kind} has come`} done={done} total={total} />
      {WORDS[kind]}: {total === null ? done : `${done} of ${total}`}
    </>
  );
}

function BackupRow({ backup, onDialog }: { backup: Backup; onDialog: (dialog: DialogState) => void }) {
  const { id, state, finished_at, sessions, carried, missed, sent_bytes, kept_as } = backup;
  const isDamaged = state === 'damaged';
  return (
    <tr>
      <th scope="row">
        <span title={finished_at}>{dateTime(finished_at)}</span>
        <span class="below">
          {ago(finished_at)} · {id}
        </span>
      </th>
      <td>
        <StatusBadge status={state} />
        {carried > 0 && <span class="below">{carried} as they were before</span>}
        {missed > 0 && <span class="below below-bad">{missed} missing</span>}
        {!isDamaged && <span class="below narrow-only">{count(sessions, 'session')}</span>}
      </td>
      <td class="wide-only">{isDamaged ? NOTHING : sessions}</td>
      <td class="wide-only nowrap">{isDamaged ? NOTHING : bytes(backup.bytes)}</td>
      <td class="roomy-only nowrap">{isDamaged ? NOTHING : bytes(sent_bytes)}</td>
      <td class="roomy-only">{kept_as.join(', ').replaceAll('_', ' ') || NOTHING}</td>
      <td class="last">
        <button
          type="button"
          class="button button-small"
          disabled={isDamaged}
          aria-label={`Restore from the backup of ${dateTime(finished_at)}`}
          onClick={() => onDialog({ kind: 'restore', subject: { at: id } })}
        >
          Restore …
        </button>
      </td>
    </tr>
  );
}
