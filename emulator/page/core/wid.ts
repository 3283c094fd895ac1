import type { ModuleTable } from './registry.ts';

const SERVERS = new Set(['c.us', 'lid', 'g.us', 'broadcast', 'newsletter', 'call', 'bot']);

/** A WhatsApp id: a person by phone number (`c.us`) or hidden number (`lid`), a group, a broadcast. */
export class Wid {
  readonly user: string;
  readonly server: string;
  readonly _serialized: string;

  constructor(user: string, server: string) {
    this.user = user;
    this.server = server;
    this._serialized = `${user}@${server}`;
  }

  isUser(): boolean {
    return this.server === 'c.us' || this.server === 'lid';
  }

  isLid(): boolean {
    return this.server === 'lid';
  }

  isRegularUser(): boolean {
    return this.isUser();
  }

  isGroup(): boolean {
    return this.server === 'g.us';
  }

  isBroadcast(): boolean {
    return this.server === 'broadcast';
  }

  isStatus(): boolean {
    return this._serialized === 'status@broadcast';
  }

  isNewsletter(): boolean {
    return this.server === 'newsletter';
  }

  isBot(): boolean {
    return this.server === 'bot';
  }

  equals(other: unknown): boolean {
    return other instanceof Wid && other._serialized === this._serialized;
  }

  /** As the servers write it, where `c.us` is called `s.whatsapp.net`. */
  toJid(): string {
    return this.server === 'c.us' ? `${this.user}@s.whatsapp.net` : this._serialized;
  }

  toString(): string {
    return this._serialized;
  }

  toLogString(): string {
    return `${this.user.slice(0, 3)}...@${this.server}`;
  }
}

/** Anything an id can be made from. */
export type WidLike =
  | string
  | { readonly _serialized: string }
  | { readonly user: string; readonly server: string };

/** @throws Error when the text is no WhatsApp id. */
export function createWid(value: WidLike): Wid {
  if (value instanceof Wid) return value;
  const text =
    typeof value === 'string'
      ? value
      : '_serialized' in value
        ? value._serialized
        : `${value.user}@${value.server}`;
  const [user = '', rawServer = '', ...rest] = String(text).split('@');
  const server = rawServer === 's.whatsapp.net' ? 'c.us' : rawServer;
  const named = server === 'broadcast' && user === 'status';
  if (rest.length > 0 || !SERVERS.has(server) || !(named || /^[\d:.-]+$/.test(user))) {
    throw new Error(`wid error: invalid wid: ${String(text).slice(0, 80)}`);
  }
  return new Wid(user.replace(/[:.]\d+$/, ''), server);
}

/** The same, with undefined for what is no id. */
export function tryCreateWid(value: unknown): Wid | undefined {
  try {
    return value === undefined || value === null ? undefined : createWid(value as WidLike);
  } catch {
    return undefined;
  }
}

function asUserWidOrThrow(value: WidLike): Wid {
  const wid = createWid(value);
  if (!wid.isUser()) throw new Error(`wid error: ${wid._serialized} is not a user`);
  return wid;
}

export function widModules(): ModuleTable {
  const userJidToUserWid = (jid: string): Wid => createWid(jid);
  return {
    WAWebWid: Wid,
    WAWebWidFactory: {
      createWid,
      createWidFromWidLike: createWid,
      asUserWidOrThrow,
      createUserWid: (user: string, server = 'c.us') => createWid(`${user}@${server}`),
    },
    WAWebWidToJid: {
      widToUserJid: (wid: Wid) => wid.toJid(),
      widToGroupJid: (wid: Wid) => wid.toJid(),
      widToChatJid: (wid: Wid) => wid.toJid(),
    },
    WAWebJidToWid: { userJidToUserWid, newsletterJidToWid: userJidToUserWid },
  };
}
