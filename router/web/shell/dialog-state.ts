import type { ApiClient } from '../api/client.ts';
import type { Instance, Operation, Session, SessionName, Webhook } from '../api/types.ts';

/** What is asked about before it is done. */
export type Confirmable = 'restart' | 'stop' | 'logout' | 'delete';

/** What is done to a webhook, after a question. */
export type WebhookAction = 'test' | 'replay' | 'enable';

/** What a restore begins with, as far as that is known. */
export interface RestoreSubject {
  /** The id of a backup. */
  at?: string;
  workspace?: string;
  session?: string;
}

/** Which dialog is open, and on what. `start` and `relink` start the session first. */
export type DialogState =
  | { kind: 'create' }
  | { kind: 'session'; name: SessionName }
  | { kind: 'link' | 'send' | 'start' | 'relink'; session: Session }
  | { kind: 'confirm'; action: Confirmable; session: Session }
  | { kind: 'operate'; operation: Operation }
  | { kind: 'move'; workspace: number | string; from: string; sessions: number | null }
  | { kind: 'webhook'; action: WebhookAction; webhook: Webhook }
  | { kind: 'letters'; workspace: string }
  | { kind: 'restore'; subject: RestoreSubject }
  | { kind: 'restoring'; id: string }
  | { kind: 'backup'; task: 'run' | 'verify' };

/** What every dialog is told. */
export interface DialogProps {
  api: ApiClient;
  /** Only an admin may do all that there is. */
  isAdmin: boolean;
  /** The instances there are, for whoever chooses one. */
  instances: readonly Instance[];
  /** Closes, or goes on to another dialog. */
  onState: (state: DialogState | null) => void;
  /** Says what was done, and looks again. */
  onDone: (message: string) => void;
}

/** What every view is told. */
export interface ViewProps {
  api: ApiClient;
  isAdmin: boolean;
  /** Changes where something was done: it is looked again at once. */
  version: number;
  onDialog: (dialog: DialogState) => void;
}
