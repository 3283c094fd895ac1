import type { Session } from '../api/types.ts';
import { nextStep } from '../state/status.ts';
import { ago, phone } from '../state/text.ts';
import type { DialogState } from './dialog-state.ts';
import { StatusBadge } from './status-badge.tsx';

const STEP_LABELS = { link: 'Link', send: 'Send', start: 'Start', relink: 'Link again' } as const;

/** One session in the table. */
export function SessionRow({
  session,
  onDialog,
}: {
  session: Session;
  onDialog: (dialog: DialogState) => void;
}) {
  const step = nextStep(session.status);
  return (
    <tr>
      <th scope="row">
        <button type="button" class="button-link" onClick={() => onDialog({ kind: 'session', session })}>
          {session.session_id}
        </button>
        <span class="below">Workspace {session.workspace_id}</span>
        {session.last_error && <span class="below below-bad">{session.last_error}</span>}
      </th>
      <td>
        <StatusBadge status={session.status} />
      </td>
      <td class="wide-only">{phone(session.phone_number)}</td>
      <td class="wide-only">{session.instance}</td>
      <td class="wide-only">{ago(session.last_activity)}</td>
      <td class="last">
        {step && (
          <button
            type="button"
            class="button button-small"
            aria-label={`${STEP_LABELS[step]}: ${session.session_id} of workspace ${session.workspace_id}`}
            onClick={() => onDialog({ kind: step, session })}
          >
            {STEP_LABELS[step]}
          </button>
        )}
      </td>
    </tr>
  );
}
