import { createWid, type Wid, type WidLike } from './wid.ts';

export interface MsgKeyParts {
  readonly id: string;
  readonly from?: WidLike;
  readonly to?: WidLike;
  readonly remote?: WidLike;
  readonly participant?: WidLike | undefined;
  readonly fromMe?: boolean;
  readonly selfDir?: 'in' | 'out';
}

/** A message's id: direction, chat, the id its sender gave it, and in groups the sender. */
export class MsgKey {
  readonly fromMe: boolean;
  readonly remote: Wid;
  readonly id: string;
  readonly participant?: Wid;
  readonly _serialized: string;

  constructor(parts: MsgKeyParts) {
    const remote = parts.remote ?? (parts.selfDir === 'in' ? parts.from : parts.to);
    if (remote === undefined) throw new Error('msg key error: a key needs a remote, or from and to');
    this.fromMe = parts.fromMe ?? parts.selfDir === 'out';
    this.remote = createWid(remote);
    this.id = parts.id;
    if (parts.participant !== undefined) this.participant = createWid(parts.participant);
    const base = `${this.fromMe}_${this.remote._serialized}_${this.id}`;
    this._serialized = this.participant ? `${base}_${this.participant._serialized}` : base;
  }

  /** A fresh id as WhatsApp Web makes them: `3EB0` and nine random bytes in hexadecimal. */
  static async newId(): Promise<string> {
    return newMessageId();
  }

  /** @throws Error when the text is no serialized key. */
  static fromString(text: string): MsgKey {
    const [fromMe, remote, id, participant] = text.split('_');
    if ((fromMe !== 'true' && fromMe !== 'false') || !remote || !id) {
      throw new Error(`msg key error: cannot parse ${text.slice(0, 80)}`);
    }
    return new MsgKey({ fromMe: fromMe === 'true', remote, id, participant });
  }

  equals(other: unknown): boolean {
    return other instanceof MsgKey && other._serialized === this._serialized;
  }

  toString(): string {
    return this._serialized;
  }
}

export function newMessageId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(9));
  return `3EB0${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase()}`;
}
