import { Model } from '../core/model.ts';

/** The states of WhatsApp Web's socket that the library knows (WAState). */
export type SocketState =
  | 'UNLAUNCHED'
  | 'OPENING'
  | 'PAIRING'
  | 'UNPAIRED'
  | 'UNPAIRED_IDLE'
  | 'CONNECTED'
  | 'TIMEOUT'
  | 'CONFLICT';

export interface SocketActions {
  logout(): Promise<void>;
  takeover(): void;
  reconnect(): void;
}

/** `WAWebSocketModel.Socket`: state of the connection, and whether the first sync is over. */
export class SocketModel extends Model {
  declare state: SocketState;
  declare hasSynced: boolean;
  readonly #actions: SocketActions;

  constructor(actions: SocketActions) {
    super({ state: 'UNLAUNCHED', hasSynced: false });
    this.#actions = actions;
  }

  /** Unlinks this device: resolves when the server knows and everything kept here is gone. */
  logout(): Promise<void> {
    return this.#actions.logout();
  }

  /** After CONFLICT: connects again, and so ends the connection that replaced this one. */
  takeover(): void {
    this.#actions.takeover();
  }

  reconnect(): void {
    this.#actions.reconnect();
  }
}
