import { useCallback, useState } from 'preact/hooks';
import type { ApiClient } from '../api/client.ts';
import type { Backup, RestoreWish } from '../api/types.ts';
import { Field } from '../parts/field.tsx';
import { Problem } from '../parts/problem.tsx';
import type { RestoreSubject } from '../shell/dialog-state.ts';
import { ago, dateTime } from '../state/text.ts';
import { usePoll } from '../state/use-poll.ts';

const ID: [string, string] = ['[A-Za-z0-9_\\-]{1,64}', '1 to 64 of the characters A-Z a-z 0-9 _ -'];

/** A choice beside the backups: a time, and the newest backup that was finished by then. */
const BY_TIME = 'time';

/** Milliseconds until the list of backups is read again. */
const INTERVAL = 60_000;

const SCOPES = ['session', 'workspace', 'everything'] as const;
type Scope = (typeof SCOPES)[number];

const SCOPE_TEXTS: Readonly<Record<Scope, string>> = {
  session: 'One session',
  workspace: 'One workspace',
  everything: 'Everything',
};

interface RestoreFormProps {
  api: ApiClient;
  subject: RestoreSubject;
  busy: boolean;
  error: Error | null;
  onLook: (wish: RestoreWish) => void;
  onCancel: () => void;
}

/** What to restore, and as of when. */
export function RestoreForm({ api, subject, busy, error, onLook, onCancel }: RestoreFormProps) {
  const load = useCallback(
    async (signal: AbortSignal) => (await api.backups.list(signal)).list.backups,
    [api],
  );
  const backups = usePoll(load, INTERVAL);
  const [scope, setScope] = useState<Scope>(
    subject.session === undefined && subject.workspace !== undefined ? 'workspace' : 'session',
  );
  const [workspace, setWorkspace] = useState(subject.workspace ?? '');
  const [session, setSession] = useState(subject.session ?? '');
  const [at, setAt] = useState(subject.at ?? 'latest');
  const [time, setTime] = useState('');
  const look = (event: Event) => {
    event.preventDefault();
    onLook({
      at: at === BY_TIME ? new Date(time).toISOString() : at,
      ...(scope !== 'everything' && workspace.trim() !== '' ? { workspace_id: workspace.trim() } : {}),
      ...(scope === 'session' ? { session_id: session.trim() } : {}),
      force: false,
    });
  };
  return (
    <form onSubmit={look}>
      <p>Restore what is broken and nothing else, from the newest backup in which it is whole.</p>
      <ScopeChoice scope={scope} onScope={setScope} />
      <div class="field-row">
        {scope !== 'everything' && (
          <Field
            label="Workspace"
            value={workspace}
            onValue={setWorkspace}
            required={scope === 'workspace'}
            pattern={ID}
          />
        )}
        {scope === 'session' && (
          <Field label="Session" value={session} onValue={setSession} required autoFocus pattern={ID} />
        )}
      </div>
      <div class="field">
        <label for="restore-at">As of</label>
        <select id="restore-at" value={at} onChange={({ currentTarget }) => setAt(currentTarget.value)}>
          <option value="latest">The latest backup</option>
          {(backups.data ?? []).map((backup) => (
            <BackupOption key={backup.id} backup={backup} />
          ))}
          <option value={BY_TIME}>A time …</option>
        </select>
      </div>
      {at === BY_TIME && (
        <div class="field">
          <label for="restore-time">The newest backup that was finished by</label>
          <input
            id="restore-time"
            type="datetime-local"
            required
            value={time}
            onInput={({ currentTarget }) => setTime(currentTarget.value)}
          />
          <p class="hint">In this browser's time zone.</p>
        </div>
      )}
      <Problem error={error ?? backups.error} />
      <div class="dialog-foot">
        <button type="button" class="button" onClick={onCancel}>
          Cancel
        </button>
        <button type="submit" class="button button-primary" disabled={busy}>
          {busy ? 'Looking …' : 'Show what would change'}
        </button>
      </div>
    </form>
  );
}

function BackupOption({ backup: { id, finished_at, state } }: { backup: Backup }) {
  return (
    <option value={id} disabled={state === 'damaged'}>
      {dateTime(finished_at)} ({ago(finished_at)}
      {state === 'complete' ? '' : `, ${state}`})
    </option>
  );
}

function ScopeChoice({ scope, onScope }: { scope: Scope; onScope: (scope: Scope) => void }) {
  return (
    <fieldset class="choice-row">
      <legend>What</legend>
      {SCOPES.map((each) => (
        <label key={each} class="check">
          <input type="radio" name="scope" checked={scope === each} onChange={() => onScope(each)} />
          {SCOPE_TEXTS[each]}
        </label>
      ))}
    </fieldset>
  );
}
