import type { ApiClient, Operation } from '../api/client.ts';
import type { Session, Webhook } from '../api/types.ts';

/** What is asked about before it is done. */
export type Confirmable = 'restart' | 'stop' | 'logout' | 'delete';

/** What is done to a webhook, after a question. */
export type WebhookAction = 'test' | 'replay' | 'enable';

/** Which dialog is open, and on what. `start` and `relink` start the session first. */
export type DialogState =
  | { kind: 'create' }
  | { kind: 'session' | 'link' | 'send' | 'start' | 'relink'; session: Session }
  | { kind: 'confirm'; action: Confirmable; session: Session }
  | { kind: 'operate'; operation: Operation }
  | { kind: 'webhook'; action: WebhookAction; webhook: Webhook };

/** What every dialog is told. */
export interface DialogProps {
  api: ApiClient;
  /** Closes, or goes on to another dialog. */
  onState: (state: DialogState | null) => void;
  /** Says what was done, and looks again. */
  onDone: (message: string) => void;
}
