/**
 * What the server writes into index.html in place of `<!--boot-->`, as `<script>window.wharfEmulatorBoot = {...}</script>`: what the page must know before
 * it has a socket. The page takes `phones[its phone]` (if it is linked) over the global values.
 */
export interface PageBoot extends PageFaults {
  /** For `window.Debug.VERSION`. */
  readonly version: string;
  /** Path of the WebSocket, on the page's own host. */
  readonly socketPath: string;
  readonly phones: Readonly<Record<string, Partial<PageFaults>>>;
}

export interface PageFaults {
  /** `window.require` of these names throws, as the real one does after an update of WhatsApp removed them. */
  readonly missingModules: readonly string[];
}
