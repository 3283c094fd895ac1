import { useEffect, useState } from 'preact/hooks';
import { BackupDialog } from '../backups/backup-dialog.tsx';
import { RestoreDialog } from '../backups/restore-dialog.tsx';
import { RestoringDialog } from '../backups/restoring-dialog.tsx';
import { MoveDialog } from '../fleet/move-dialog.tsx';
import { OperateDialog } from '../fleet/operate-dialog.tsx';
import { ConfirmDialog } from '../sessions/confirm-dialog.tsx';
import { CreateDialog } from '../sessions/create-dialog.tsx';
import { LinkDialog } from '../sessions/link-dialog.tsx';
import { SendDialog } from '../sessions/send-dialog.tsx';
import { SessionDialog } from '../sessions/session-dialog.tsx';
import { LettersDialog } from '../webhooks/letters-dialog.tsx';
import { WebhookDialog } from '../webhooks/webhook-dialog.tsx';
import type { DialogProps, DialogState } from './dialog-state.ts';

/** The dialog that is open. When the last of a chain of them closes, the focus goes back to what opened the first. */
export function Dialogs({ state, ...props }: DialogProps & { state: DialogState }) {
  const [opener] = useState(document.activeElement);
  useEffect(
    () => () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    },
    [opener],
  );
  switch (state.kind) {
    case 'create':
      return <CreateDialog {...props} />;
    case 'session':
      return <SessionDialog {...props} name={state.name} />;
    case 'link':
      return <LinkDialog {...props} session={state.session} />;
    case 'start':
    case 'relink':
      return <LinkDialog {...props} session={state.session} start />;
    case 'send':
      return <SendDialog {...props} session={state.session} />;
    case 'confirm':
      return <ConfirmDialog {...props} session={state.session} action={state.action} />;
    case 'operate':
      return <OperateDialog {...props} operation={state.operation} />;
    case 'move':
      return (
        <MoveDialog {...props} workspace={state.workspace} from={state.from} sessions={state.sessions} />
      );
    case 'webhook':
      return <WebhookDialog {...props} webhook={state.webhook} action={state.action} />;
    case 'letters':
      return <LettersDialog {...props} workspace={state.workspace} />;
    case 'restore':
      return <RestoreDialog {...props} subject={state.subject} />;
    case 'restoring':
      return <RestoringDialog {...props} id={state.id} />;
    case 'backup':
      return <BackupDialog {...props} task={state.task} />;
  }
}
