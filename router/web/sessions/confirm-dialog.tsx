import type { ApiClient } from '../api/client.ts';
import type { Session } from '../api/types.ts';
import { type Question, QuestionDialog } from '../parts/question-dialog.tsx';
import type { Confirmable, DialogProps } from '../shell/dialog-state.ts';

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

/** Asks before something is done to a session, then does it. */
export function ConfirmDialog(props: DialogProps & { session: Session; action: Confirmable }) {
  const { api, session, action, onState, onDone } = props;
  const question = QUESTIONS[action];
  const title = `${question.title} ${session.session_id}?`;
  return (
    <QuestionDialog
      onClose={() => onState(null)}
      onDone={onDone}
      question={{ ...question, title }}
      perform={() => perform(api, session, action)}
    />
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
