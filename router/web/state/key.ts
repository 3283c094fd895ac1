const STORED = 'wharf-api-key';

/**
 * The API key to begin with: the one the address carries as `#key=...` (the local fleet prints such an address), else the one this tab keeps.
 * A key in the address is taken out of it at once, so that it stays neither in view nor in the browser's history.
 */
export function takeKey(location: Location, history: History, storage: Storage): string | null {
  const carried = new URLSearchParams(location.hash.slice(1)).get('key');
  if (carried) {
    history.replaceState(null, '', location.pathname + location.search);
    keepKey(storage, carried);
    return carried;
  }
  return storage.getItem(STORED);
}

/** Whether the address carries a key, as the one that the local fleet prints does. */
export function carriesKey(location: Location): boolean {
  return Boolean(new URLSearchParams(location.hash.slice(1)).get('key'));
}

/** Keeps the key for as long as this tab is open. */
export function keepKey(storage: Storage, key: string): void {
  storage.setItem(STORED, key);
}

/** Forgets the key. */
export function forgetKey(storage: Storage): void {
  storage.removeItem(STORED);
}
