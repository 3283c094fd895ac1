/**
 * What Wharf itself asks of WhatsApp's page, beside what the library does. Each is an expression for `page.evaluate`;
 * the modules are those of `whatsapp-web-surface.md`.
 */

/** Names of the functions the page calls back with. */
export const STATE_CALLBACK = 'wharfOnState';

/** Tells every change of the socket's state from now on; once per document. */
export const WATCH_STATE = `(() => {
  if (window.wharfWatches) return;
  window.wharfWatches = true;
  const { Socket } = window.require('WAWebSocketModel');
  Socket.on('change:state', (_socket, state) => window.${STATE_CALLBACK}(String(state)));
})()`;

/** Where the page stands: the socket's state, whether the sync has ended, whether the library has put its functions in. */
export const LOOK = `(() => {
  const { Socket } = window.require('WAWebSocketModel');
  return { state: String(Socket.state), hasSynced: Boolean(Socket.hasSynced), injected: typeof window.WWebJS !== 'undefined' };
})()`;

/** What {@link LOOK} answers. */
export interface PageState {
  state: string;
  hasSynced: boolean;
  injected: boolean;
}

/** What the library would have called, had it listened when the sync ended. */
export const SYNC_ENDED = 'window.onAppStateHasSyncedEvent()';

/** Brings QRs back after the last one ran out. */
export const REFRESH_QR = `window.require('WAWebLaunchSocketUtils').refreshQR()`;

/** Unlinks this device; the page then loads itself anew. */
export const LOGOUT = `window.require('WAWebSocketModel').Socket.logout()`;
