import { useEffect, useState } from 'preact/hooks';
import type { ApiClient } from '../api/client.ts';
import type { Session } from '../api/types.ts';
import { type Confirmable, ConfirmDialog } from './confirm-dialog.tsx';
import { CreateDialog } from './create-dialog.tsx';
import { LinkDialog } from './link-dialog.tsx';
import { SendDialog } from './send-dialog.tsx';
import { SessionDialog } from './session-dialog.tsx';

/** Which dialog is open, and on what. `start` and `relink` start the session first. */
export type DialogState =
  | { kind: 'create' }
  | { kind: 'session' | 'link' | 'send' | 'start' | 'relink'; session: Session }
  | { kind: 'confirm'; action: Confirmable; session: Session };

/** What every dialog is told. */
export interface DialogProps {
  api: ApiClient;
  /** Closes, or goes on to another dialog. */
  onState: (state: DialogState | null) => void;
  /** Says what was done, and looks again. */
  onDone: (message: string) => void;
}

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
  }
}
