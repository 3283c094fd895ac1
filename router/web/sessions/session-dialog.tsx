import { useCallback } from 'preact/hooks';
import type { SessionDetail } from '../../../fleet/records.ts';
import { ApiError } from '../api/transport.ts';
import type { SessionName } from '../api/types.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Problem } from '../parts/problem.tsx';
import { StatusBadge } from '../parts/status-badge.tsx';
import type { Confirmable, DialogProps } from '../shell/dialog-state.ts';
import { nextStep } from '../state/status.ts';
import { ago, NOTHING, phone } from '../state/text.ts';
import { usePoll } from '../state/use-poll.ts';
import { useWork } from '../state/use-work.ts';

/** Milliseconds between two looks. */
const INTERVAL = 2000;

/** Everything there is to know of a session, and to do with it. */
export function SessionDialog(props: DialogProps & { name: SessionName }) {
  const { api, onState } = props;
  const { workspace_id, session_id } = props.name;
  const load = useCallback(
    (signal: AbortSignal) => api.session({ workspace_id, session_id }, signal),
    [api, workspace_id, session_id],
  );
  const { data, error, refresh } = usePoll(load, INTERVAL);
  const isGone = error instanceof ApiError && error.status === 404;
  return (
    <Dialog title={`Session ${session_id}`} onClose={() => onState(null)} wide>
      {data === undefined && error === null && <p class="waiting">Loading …</p>}
      {data !== undefined && !isGone && <Facts session={data} />}
      <Problem error={error} />
      {data !== undefined && !isGone && <Actions {...props} session={data} refresh={refresh} />}
    </Dialog>
  );
}

interface ActionsProps extends DialogProps {
  session: SessionDetail;
  refresh: () => void;
}

function Actions({ api, isAdmin, session, refresh, onState, onDone }: ActionsProps) {
  const { busy, error, work } = useWork();
  const { workspace_id, session_id } = session;
  const step = nextStep(session.status);
  const resting = step === 'start' || step === 'relink';
  const start = () =>
    work(async () => {
      await api.act(session, 'start');
      onDone(`Session ${session_id} is starting.`);
      refresh();
    });
  const confirm = (action: Confirmable) => onState({ kind: 'confirm', action, session });
  return (
    <>
      <Problem error={error} />
      <div class="actions">
        {step === 'send' && (
          <Action main label="Send a message" onClick={() => onState({ kind: 'send', session })} />
        )}
        {(step === 'link' || step === 'relink') && (
          <Action
            main
            label={step === 'link' ? 'Link' : 'Link again'}
            onClick={() => onState({ kind: step, session })}
          />
        )}
        {step === 'start' && <Action main label="Start" disabled={busy} onClick={start} />}
        <Action label="Restart" disabled={resting} onClick={() => confirm('restart')} />
        <Action label="Stop" disabled={resting} onClick={() => confirm('stop')} />
        {isAdmin && (
          <>
            <Action
              label="Move its workspace"
              onClick={() =>
                onState({ kind: 'move', workspace: workspace_id, from: session.instance, sessions: null })
              }
            />
            <Action
              label="Restore"
              onClick={() =>
                onState({
                  kind: 'restore',
                  subject: { workspace: String(workspace_id), session: session_id },
                })
              }
            />
          </>
        )}
        <Action
          danger
          label="Log out"
          disabled={session.status === 'logged_out'}
          onClick={() => confirm('logout')}
        />
        <Action danger label="Delete" onClick={() => confirm('delete')} />
      </div>
    </>
  );
}

function Action(props: {
  label: string;
  onClick: () => void;
  main?: boolean;
  danger?: boolean;
  disabled?: boolean;
}) {
  const look = props.main ? ' button-primary' : props.danger ? ' button-danger' : '';
  return (
    <button type="button" class={`button${look}`} disabled={props.disabled ?? false} onClick={props.onClick}>
      {props.label}
    </button>
  );
}

function Facts({ session }: { session: SessionDetail }) {
  const facts: [string, string][] = [
    ['Workspace', String(session.workspace_id)],
    ['Phone number', phone(session.phone_number)],
    ['Account', session.account_id ?? NOTHING],
    ['Instance', `${session.instance}, epoch ${session.epoch}`],
    ['Connected', ago(session.connected_at)],
    ['Last activity', ago(session.last_activity)],
    ['Reconnects', String(session.reconnects)],
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
