import type { Session } from '../api/types.ts';
import { StatusBadge } from '../parts/status-badge.tsx';
import type { DialogState } from '../shell/dialog-state.ts';
import { routeHash } from '../state/route.ts';
import { nextStep } from '../state/status.ts';
import { ago, phone } from '../state/text.ts';

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
        <a class="name" href={routeHash('sessions', [String(session.workspace_id), session.session_id])}>
          {session.session_id}
        </a>
        <span class="below">Workspace {session.workspace_id}</span>
        {session.last_error && <span class="below below-bad">{session.last_error}</span>}
      </th>
      <td>
        <StatusBadge status={session.status} />
      </td>
      <td class="wide-only nowrap">{phone(session.phone_number)}</td>
      <td class="roomy-only">{session.instance}</td>
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
