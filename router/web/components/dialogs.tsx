import { useEffect, useState } from 'preact/hooks';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { CreateDialog } from './create-dialog.tsx';
import type { DialogProps, DialogState } from './dialog-state.ts';
import { LinkDialog } from './link-dialog.tsx';
import { OperateDialog } from './operate-dialog.tsx';
import { SendDialog } from './send-dialog.tsx';
import { SessionDialog } from './session-dialog.tsx';
import { WebhookDialog } from './webhook-dialog.tsx';

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
      return <SessionDialog {...props} session={state.session} />;
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
    case 'webhook':
      return <WebhookDialog {...props} webhook={state.webhook} action={state.action} />;
  }
}
