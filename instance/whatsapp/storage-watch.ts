import { SITE } from './dead-mans-timer.ts';

/** Names the property by which a page tells that its storage was closed under it. */
const LOST = 'wharfStorageLost';

/**
 * Sees whether the browser closes one of a page's IndexedDB databases, as it does when the disk below failed once: an expression that runs in each of its
 * documents before any code of the page's own. The page goes on living and connecting then, and can neither send nor store
 * anything until it is loaded anew, though the disk be well again. A database that a worker opened is not seen here.
 */
export const STORAGE_WATCH = `(() => {
  if (location.hostname !== '${SITE}' || window.top !== window || '${LOST}' in window) return;
  let lost = false;
  Object.defineProperty(window, '${LOST}', { get: () => lost });
  const { prototype } = window.IDBFactory;
  prototype.open = new Proxy(prototype.open, {
    apply(native, factory, given) {
      const request = Reflect.apply(native, factory, given);
      request.addEventListener('success', () => {
        request.result.addEventListener('close', () => { lost = true; });
      });
      return request;
    },
  });
})()`;

/** The least a living page can do. Throws in the page where its storage is lost. */
export const PING = `(() => {
  if (window.${LOST}) throw new Error('its storage was closed under it');
  return true;
})()`;
