/** One thing that Wharf assumes of WhatsApp Web, and that is tried. */
export interface CheckText {
  title: string;
  breaks: string;
  todo: string;
}

const HOLD_BACK =
  'Do not upgrade to what was tried here; where WhatsApp changed by itself, look for a newer whatsapp-web.js and try that with this canary.';
const REPORT =
  "Look in whatsapp-web.js's issues for the version of WhatsApp Web above, and try its newest release with this canary before the fleet gets it.";

/** Checks of behaviour, in the order in which they are made. */
export const CHECKS = {
  page: {
    title: 'the page of WhatsApp Web loads, with window.Debug.VERSION and window.require',
    breaks: 'no session starts',
    todo:
      'Look at the network, a proxy, and whether web.whatsapp.com opens in a browser on this host. Else: ' +
      REPORT,
  },
  link: {
    title: 'a QR shows, and scanning it links the device',
    breaks: 'no new account can be linked; linked ones may go on',
    todo: REPORT,
  },
  ready: {
    title: 'a linked session becomes ready, once, and tells its number',
    breaks: 'no session comes up',
    todo: REPORT,
  },
  sockets: {
    title:
      "the connection to WhatsApp is a WebSocket of the page itself, which the dead man's timer watches over",
    breaks:
      'a page whose owner lost its authority is not cut off: after a takeover one account may be connected twice for seconds',
    todo:
      'Do not run this version of WhatsApp Web on a fleet with takeovers before the timer can cut it off: ' +
      HOLD_BACK,
  },
  storage: {
    title: 'the page keeps its session in IndexedDB databases that it opens itself',
    breaks:
      'backups and generations, which copy IndexedDB and Local Storage alone, may miss what a session needs',
    todo: `Keep the generation before every move, and do not rely on backups made from now on: ${HOLD_BACK}`,
  },
  send_text: {
    title: 'a text leaves under the id that we gave it, and the server acknowledges it',
    breaks: 'messages are not sent, or a message that is tried again may be sent twice',
    todo: HOLD_BACK,
  },
  echo: {
    title: "an account's own message is told as an event, with that id",
    breaks: 'events of messages are not told',
    todo: REPORT,
  },
  fate: {
    title: "the page's history knows that message by our id, with its acknowledgement",
    breaks: 'after a crash messages stay unknown, in place of being told sent or tried again',
    todo: HOLD_BACK,
  },
  reply: {
    title: 'a reply quotes the message it answers',
    breaks: 'reply_to is refused, or replies show without what they answer',
    todo: REPORT,
  },
  location: {
    title: 'a location is sent',
    breaks: 'messages with a location fail',
    todo: REPORT,
  },
  contact: {
    title: 'a contact is sent',
    breaks: 'messages with a contact fail',
    todo: REPORT,
  },
  poll: {
    title: 'a poll is sent',
    breaks: 'messages with a poll fail',
    todo: REPORT,
  },
  media_up: {
    title: 'a file is uploaded and sent',
    breaks: 'messages with media fail',
    todo: REPORT,
  },
  media_down: {
    title: 'that file comes back from WhatsApp byte for byte',
    breaks: 'received media cannot be fetched',
    todo: REPORT,
  },
  chats: {
    title: 'chats, contacts and numbers are read, and this account is among them',
    breaks: 'GET .../chats, .../contacts and .../numbers fail',
    todo: REPORT,
  },
  history: {
    title: "a chat's history is loaded from a mark on, with the messages just sent",
    breaks: 'messages that came while a session was away are not told',
    todo: HOLD_BACK,
  },
  typing: {
    title: 'typing is shown',
    breaks: 'SEND_TYPING does nothing, or fails messages',
    todo: 'Set SEND_TYPING to off until it works again.',
  },
  clean_stop: {
    title: 'the browser ends by itself when it is closed',
    breaks:
      'every stop is taken for a crash: moves and restarts take longer, since profiles are looked through and copied',
    todo: 'Try another version of Chromium with this canary.',
  },
  needed_files: {
    title: 'a copy of IndexedDB and Local Storage alone comes up linked, without a QR',
    breaks: 'takeovers, moves, backups and restores: each would ask for a QR',
    todo: `Freeze the fleet (no drains, no upgrades) until this is understood: ${HOLD_BACK}`,
  },
  sync_race: {
    title: 'a session whose sync ended before the library listened becomes ready all the same',
    breaks: 'sessions stay connected and never ready after a restart, the more the busier the machine is',
    todo: HOLD_BACK,
  },
  kept_history: {
    title: 'a message of before the restart is known after it',
    breaks: 'after a restart messages stay unknown',
    todo: HOLD_BACK,
  },
  authority: {
    title: 'a page that is told nothing more of its authority leaves WhatsApp by itself',
    breaks: 'the last of the things that keep one account from being connected twice',
    todo: HOLD_BACK,
  },
  logout: {
    title: 'a logout removes the device, and the next start shows a QR',
    breaks: 'deleted sessions stay on the phone as linked devices',
    todo: `Remove them on the phone (Linked devices). ${REPORT}`,
  },
} as const satisfies Record<string, CheckText>;

/** The name of a check of behaviour. */
export type CheckId = keyof typeof CHECKS;

/** What a module that lacks something means. */
export const SURFACE_TODO = REPORT;
