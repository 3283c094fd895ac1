/** The function by which a page is told until when it may be connected; see {@link timerScript}. */
const FEED = 'wharfAuthority';

/** Names the property by which a page tells how many WebSockets the timer watches over. */
export const WATCHED_SOCKETS = 'wharfSockets';

/** The one site that connects; the timer leaves others, such as about:blank, alone. */
export const SITE = 'web.whatsapp.com';

/** How far the wall clock may drift from the monotonic one between two feeds before that counts as a jump, milliseconds. */
const DRIFT = 1000;

/**
 * A timer that comes so late has waited behind a busy page's own work, or its process was stopped; a feed that came in time may wait there too.
 * So it is heard for a moment more before the page is left. Nothing is sent meanwhile. Milliseconds.
 */
const LATE = 30;
const GRACE = 100;

/**
 * The dead man's timer of a page: an expression that runs in each of its documents before any code of the page's own. Without authority no
 * frame leaves the page, whatever became of those who gave it.
 *
 * - A document begins without authority: what it sends over a WebSocket waits for the first feed, which comes as soon as it is there.
 * - A feed carries the moment at which the authority runs out, on the document's own monotonic clock: one that was long on its way, or
 *   waited while the page's process was stopped, extends nothing.
 * - When it runs out, every WebSocket is closed and the page left for about:blank, for good. Each frame is
 *   checked as it is sent, since a process that was stopped and goes on may run other code before the timer.
 * - Where the wall clock has gone another way than the monotonic one since the last feed (the machine slept, or its clock was set), frames
 *   wait for the next feed.
 *
 * A socket that a worker opened is not seen here; it ends with the page that is left.
 *
 * @param patience milliseconds a document waits for its first feed
 */
export const timerScript = (patience: number) => `(() => {
  if (location.hostname !== '${SITE}' || window.top !== window || window.${FEED}) return;
  const id = Math.random().toString(36).slice(2);
  const Native = window.WebSocket;
  const { send, close } = Native.prototype;
  const later = window.setTimeout.bind(window);
  const never = window.clearTimeout.bind(window);
  const leave = location.replace.bind(location);
  const monotonic = performance.now.bind(performance);
  const drift = (now = Date.now) => now() - monotonic();
  const sockets = new Set();
  let waiting = [];
  let fed = false;
  let over = false;
  let until = monotonic() + ${patience};
  let drifted = drift();
  let timer;

  const end = () => {
    over = true;
    waiting = [];
    for (const socket of sockets) try { close.call(socket); } catch {}
    leave('about:blank');
  };
  const look = (again) => {
    if (over) return;
    const left = until - monotonic();
    if (left > 0) arm(left, false);
    else if (again || left > -${LATE}) end();
    else arm(${GRACE}, true);
  };
  const arm = (left, again) => {
    never(timer);
    timer = later(look, Math.min(left, 1e9), again);
  };
  const may = () => !over && fed && monotonic() < until && Math.abs(drift() - drifted) < ${DRIFT};

  Native.prototype.send = new Proxy(send, {
    apply(native, socket, given) {
      if (over) return;
      if (socket.readyState !== Native.OPEN || (waiting.length === 0 && may())) return Reflect.apply(native, socket, given);
      waiting.push([socket, given]);
    },
  });
  window.WebSocket = new Proxy(Native, {
    construct(native, given, target) {
      if (over) throw new DOMException('The authority of this page to connect has run out', 'SecurityError');
      const socket = Reflect.construct(native, given, target === window.WebSocket ? native : target);
      sockets.add(socket);
      socket.addEventListener('close', () => sockets.delete(socket));
      return socket;
    },
  });
  Native.prototype.constructor = window.WebSocket;

  Object.defineProperty(window, '${FEED}', {
    value: (document, next) => {
      if (!over && document === id && next > monotonic()) {
        until = fed ? Math.max(until, next) : next;
        fed = true;
        drifted = drift();
        arm(until - monotonic(), false);
        const held = waiting;
        waiting = [];
        for (const [socket, given] of held) if (socket.readyState === Native.OPEN) Reflect.apply(send, socket, given);
      }
      return id + ' ' + monotonic();
    },
  });
  Object.defineProperty(window, '${WATCHED_SOCKETS}', { get: () => sockets.size });
  arm(until - monotonic(), false);
})()`;

/** Feeds a document, and asks which one it is and what its clock shows: {@link parseFed} reads the answer. */
export function feedExpression(document: string, until: number): string {
  return `typeof ${FEED}==='function'?${FEED}('${document}',${until}):null`;
}

/** Which document answered, and its clock in milliseconds; undefined where there is no timer in the page. */
export function parseFed(answer: unknown): { document: string; clock: number } | undefined {
  const [document, clock] = typeof answer === 'string' ? answer.split(' ') : [];
  return document === undefined || clock === undefined ? undefined : { document, clock: Number(clock) };
}
