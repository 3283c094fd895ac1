import { useCallback } from 'preact/hooks';
import type { SessionDetail } from '../../../fleet/records.ts';
import type { Session } from '../api/types.ts';
import { nextStep } from '../state/status.ts';
import { ago, NOTHING, phone } from '../state/text.ts';
import { usePoll } from '../state/use-poll.ts';
import { useWork } from '../state/use-work.ts';
import { Dialog } from './dialog.tsx';
import type { DialogProps } from './dialog-state.ts';
import { Problem } from './problem.tsx';
import { StatusBadge } from './status-badge.tsx';

/** Milliseconds between two looks. */
const INTERVAL = 2000;

/** Everything there is to know of a session, and to do with it. */
export function SessionDialog({ api, session, onState, onDone }: DialogProps & { session: Session }) {
  const { workspace_id, session_id } = session;
  const load = useCallback(
    (signal: AbortSignal) => api.session({ workspace_id, session_id }, signal),
    [api, workspace_id, session_id],
  );
  const poll = usePoll<Session>(load, INTERVAL);
  const { busy, error, work } = useWork();
  const shown = poll.data ?? session;
  const step = nextStep(shown.status);
  const resting = step === 'start' || step === 'relink';
  const start = () =>
    work(async () => {
      await api.act(session, 'start');
      onDone(`Session ${session_id} is starting.`);
      poll.refresh();
    });
  const confirm = (action: 'restart' | 'stop' | 'logout' | 'delete') =>
    onState({ kind: 'confirm', action, session: shown });
  return (
    <Dialog title={`Session ${session_id}`} onClose={() => onState(null)} wide>
      <Facts session={shown} />
      <Problem error={error ?? poll.error} />
      <div class="actions">
        {step === 'send' && (
          <button
            type="button"
            class="button button-primary"
            onClick={() => onState({ kind: 'send', session: shown })}
          >
            Send a message
          </button>
        )}
        {(step === 'link' || step === 'relink') && (
          <button
            type="button"
            class="button button-primary"
            onClick={() => onState({ kind: step, session: shown })}
          >
            {step === 'link' ? 'Link' : 'Link again'}
          </button>
        )}
        {step === 'start' && (
          <button type="button" class="button button-primary" disabled={busy} onClick={start}>
            Start
          </button>
        )}
        <button type="button" class="button" onClick={() => confirm('restart')} disabled={resting}>
          Restart
        </button>
        <button type="button" class="button" onClick={() => confirm('stop')} disabled={resting}>
          Stop
        </button>
        <button
          type="button"
          class="button button-danger"
          onClick={() => confirm('logout')}
          disabled={shown.status === 'logged_out'}
        >
          Log out
        </button>
        <button type="button" class="button button-danger" onClick={() => confirm('delete')}>
          Delete
        </button>
      </div>
    </Dialog>
  );
}

function Facts({ session }: { session: Session | SessionDetail }) {
  const facts: [string, string][] = [
    ['Workspace', String(session.workspace_id)],
    ['Phone number', phone(session.phone_number)],
    ['Account', session.account_id ?? NOTHING],
    ['Instance', `${session.instance}, epoch ${session.epoch}`],
    ['Connected', ago(session.connected_at)],
    ['Last activity', ago(session.last_activity)],
    ['Reconnects', String(session.reconnects ?? NOTHING)],
    ['Created', ago(session.created_at)],
    ['Last error', session.last_error ?? NOTHING],
  ];
  return (
    <dl class="facts">
      <dt>Status</dt>
      <dd aria-live="polite">
        <StatusBadge status={session.status} />
      </dd>
      {facts.map(([name, value]) => (
        <Fact key={name} name={name} value={value} />
      ))}
    </dl>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}
