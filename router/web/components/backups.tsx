import { useCallback } from 'preact/hooks';
import type { ApiClient } from '../api/client.ts';
import type { Backup, Backups } from '../api/types.ts';
import { ago, bytes, NOTHING, until } from '../state/text.ts';
import { usePoll } from '../state/use-poll.ts';
import { StatusBadge } from './status-badge.tsx';
import { type Column, Table } from './table.tsx';

/** Milliseconds between two looks, and while something goes on. */
const INTERVAL = 15_000;
const RUNNING_INTERVAL = 2000;

/** Backups that are listed: the newest. `wharf backup list` shows all. */
const LISTED = 3;

const COLUMNS: readonly Column[] = [
  { heading: 'Backup' },
  { heading: 'State' },
  { heading: 'Sessions' },
  { heading: 'Size', from: 'wide' },
  { heading: 'Sent', from: 'wide' },
  { heading: 'Kept as', from: 'roomy' },
];

/** The latest backups, when the next is made, and what is wrong. It asks by itself, and less often than the rest: the service reads the store for it. */
export function BackupsPanel({ api }: { api: ApiClient }) {
  const load = useCallback((signal: AbortSignal) => api.backups(signal), [api]);
  const pace = ({ list }: Backups) => (list.running === null ? INTERVAL : RUNNING_INTERVAL);
  const { data, error } = usePoll(load, INTERVAL, pace);
  return (
    <section class="panel" aria-labelledby="backups-title" aria-busy={data === undefined && error === null}>
      <div class="panel-head">
        <h2 id="backups-title">Backups</h2>
        {error === null && data && <Head backups={data} />}
      </div>
      {error !== null && <p class="loading">{error.message}</p>}
      {error === null && data === undefined && <p class="loading">Loading …</p>}
      {data && error === null && <Concern backups={data} />}
      {data && data.list.backups.length > 0 && (
        <Table columns={COLUMNS}>
          {data.list.backups.slice(0, LISTED).map((backup) => (
            <BackupRow key={backup.id} backup={backup} />
          ))}
        </Table>
      )}
    </section>
  );
}

/** How a run gets on; else of when the last is, and when the next will be. */
function Head({ backups: { list } }: { backups: Backups }) {
  const { running, backups, last_success, next_run } = list;
  if (running !== null) {
    const { kind, done, total } = running;
    return (
      <>
        <progress
          class="progress"
          {...(total === null ? {} : { max: Math.max(total, 1), value: done })}
          aria-label={`How far the ${kind} has come`}
        />
        <span class="live live-on">
          {WORDS[kind]}: {total === null ? done : `${done} of ${total}`}
        </span>
      </>
    );
  }
  return (
    <span class="summary">
      {last_success === null ? 'None has succeeded yet' : `Last ${ago(last_success)}`}
      {next_run !== null && `, next ${until(next_run)}`}
      {backups.length > LISTED && `; ${backups.length} kept`}
    </span>
  );
}

const WORDS: Readonly<Record<string, string>> = {
  run: 'Backing up sessions',
  verify: 'Checking objects',
  prune: 'Removing objects',
};

/** What somebody should look into; nothing where all is well. */
function Concern({ backups: { list, lastRun } }: { backups: Backups }) {
  const damaged = list.backups.filter(({ state }) => state === 'damaged').length;
  const [first] = list.backups;
  return (
    <>
      {lastRun?.state === 'failed' && (
        <p class="loading below-bad" role="status">
          The last run failed {ago(lastRun.ended_at)}: {lastRun.error ?? 'its log says why'}
        </p>
      )}
      {damaged > 0 && (
        <p class="loading below-bad" role="status">
          {damaged} of {list.backups.length} cannot be read. <code>wharf backup verify --all</code> says what
          else is damaged.
        </p>
      )}
      {first === undefined && lastRun?.state !== 'failed' && (
        <p class="loading">
          There is none yet. <code>wharf backup run</code> makes one now.
        </p>
      )}
    </>
  );
}

function BackupRow({ backup }: { backup: Backup }) {
  const { id, state, finished_at, sessions, carried, missed, sent_bytes, kept_as } = backup;
  const isDamaged = state === 'damaged';
  return (
    <tr>
      <th scope="row">
        {ago(finished_at)}
        <span class="below">{id}</span>
      </th>
      <td>
        <StatusBadge status={state} />
        {carried > 0 && <span class="below">{carried} as they were before</span>}
        {missed > 0 && <span class="below below-bad">{missed} missing</span>}
      </td>
      <td>{isDamaged ? NOTHING : sessions}</td>
      <td class="wide-only nowrap">{isDamaged ? NOTHING : bytes(backup.bytes)}</td>
      <td class="wide-only nowrap">{isDamaged ? NOTHING : bytes(sent_bytes)}</td>
      <td class="roomy-only">{kept_as.join(', ').replaceAll('_', ' ') || NOTHING}</td>
    </tr>
  );
}
