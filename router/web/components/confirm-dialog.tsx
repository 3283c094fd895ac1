import type { ApiClient } from '../api/client.ts';
import type { Session } from '../api/types.ts';
import { useWork } from '../state/use-work.ts';
import { Dialog } from './dialog.tsx';
import type { Confirmable, DialogProps } from './dialog-state.ts';
import { Problem } from './problem.tsx';

interface Question {
  title: string;
  text: string;
  button: string;
  dangerous: boolean;
}

const QUESTIONS: Readonly<Record<Confirmable, Question>> = {
  restart: {
    title: 'Restart',
    text: 'Its browser is closed and started anew. It stays linked, and sends nothing for some seconds.',
    button: 'Restart',
    dangerous: false,
  },
  stop: {
    title: 'Stop',
    text: 'Its browser is closed. It stays linked, and neither sends nor receives until it is started again.',
    button: 'Stop',
    dangerous: false,
  },
  logout: {
    title: 'Log out',
    text: 'The device is unlinked from the phone. The session stays, and must be linked again before it can send.',
    button: 'Log out',
    dangerous: true,
  },
  delete: {
    title: 'Delete',
    text: 'The session is logged out and removed. Its profile is kept in the trash for 7 days.',
    button: 'Delete',
    dangerous: true,
  },
};

/** Asks before something is done to a session, then does it. The focus begins on the harmless answer. */
export function ConfirmDialog(props: DialogProps & { session: Session; action: Confirmable }) {
  const { api, session, action, onState, onDone } = props;
  const { title, text, button, dangerous } = QUESTIONS[action];
  const { busy, error, work } = useWork();
  const confirm = () =>
    work(async () => {
      onDone(await perform(api, session, action));
      onState(null);
    });
  return (
    <Dialog title={`${title} ${session.session_id}?`} onClose={() => onState(null)}>
      <p>{text}</p>
      <Problem error={error} />
      <div class="dialog-foot">
        <button type="button" class="button" data-autofocus onClick={() => onState(null)}>
          Cancel
        </button>
        <button
          type="button"
          class={dangerous ? 'button button-danger-full' : 'button button-primary'}
          disabled={busy}
          onClick={confirm}
        >
          {busy ? 'Working …' : button}
        </button>
      </div>
    </Dialog>
  );
}

/** Does it; gives what to say of it. */
async function perform(api: ApiClient, session: Session, action: Confirmable): Promise<string> {
  if (action !== 'delete') {
    await api.act(session, action);
    const doing = { restart: 'is starting anew', stop: 'is stopping', logout: 'is logging out' }[action];
    return `Session ${session.session_id} ${doing}.`;
  }
  const { unlinked } = await api.remove(session);
  return unlinked
    ? `Session ${session.session_id} is deleted, and unlinked from the phone.`
    : `Session ${session.session_id} is deleted. It was not connected: remove the device on the phone, under Linked devices.`;
}
