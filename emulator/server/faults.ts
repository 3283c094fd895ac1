import { z } from 'zod';
import { PHONE_PATTERN } from './ids.ts';

const milliseconds = z.int().min(0).max(86_400_000);

/** Always (true), never (false), or that many of the next ones. */
const often = z.union([z.boolean(), z.int().min(0).max(1_000_000)]);

/** What can be set for all and, under `phones`, for one account. */
const perPhoneShape = {
  /** From login to `sync_done`, beside what the queue takes. */
  sync_delay_ms: milliseconds,
  /** From a send to its `send_ack`. */
  ack_delay_ms: milliseconds,
  /** The server has the message and forwards it, but tells the sender nothing (until it sends it again). */
  lose_acks: often,
  /** The frame never reached the server: not recorded as sent. */
  lose_sends: often,
  /** The server refuses the message: ack -1. */
  fail_sends: often,
  /** From ack 1 to ack 2, for recipients without a linked device. null: they never receive it. */
  delivered_delay_ms: milliseconds.nullable(),
  /** From ack 2 to ack 3 for the same. null: they never read it. */
  read_delay_ms: milliseconds.nullable(),
  /** Every connection is cut that long after its login. */
  drop_sockets_every_ms: milliseconds.min(1).nullable(),
  /** How long the older of two connections of one device stays. 0: replaced at once, as WhatsApp does. */
  conflict_grace_ms: milliseconds,
  logout_order: z.enum(['state_first', 'command_first']),
  /** When a message was unreadable: how long until its sender repeats it. null: only on POST /repeat. */
  repeat_delay_ms: milliseconds.nullable(),
  /** `window.require` of these throws. */
  missing_modules: z.array(z.string().min(1).max(200)).max(500),
};

const globalShape = {
  ...perPhoneShape,
  /** How long a QR's ref holds. null: as WhatsApp, 60 s for the first and 20 s for each after it. */
  qr_ttl_ms: milliseconds.min(1).nullable(),
  /** How many refs before they run out. */
  qr_refs: z.int().min(1).max(100),
  code_ttl_ms: milliseconds.min(1),
  /** `hang` (or true): the page is never answered. `blank`: an empty page without WhatsApp. */
  page_never_loads: z.union([z.boolean(), z.enum(['hang', 'blank'])]),
  /** Numbers that are not on WhatsApp, beside those that begin with 000. */
  absent: z.array(z.string().regex(PHONE_PATTERN)).max(100_000),
  /** What a new account has: that many chats with that many messages each. `characters`: each message has none to twice as many more, of noise. */
  history: z.strictObject({
    chats: z.int().min(0).max(5000),
    messages: z.int().min(0).max(1000),
    characters: z.int().min(0).max(100_000).optional(),
  }),
  /** The server pings each connection that often and drops it when two pings in a row stay without an answer. */
  ping_interval_ms: milliseconds.min(10),
  max_devices: z.int().min(1).max(100),
  /** WhatsApp is down: no connection is accepted; those there are, are cut. */
  outage: z.boolean(),
};

/** The faults of one account. Names are those of the JSON document, since it is read back by `GET /config`. */
export type PhoneFaults = z.infer<z.ZodObject<typeof perPhoneShape>>;
/** All faults. */
export type GlobalFaults = z.infer<z.ZodObject<typeof globalShape>>;

/** What `POST /config` takes: any part of the document. `phones: {PHONE: null}` takes all of that phone's away. */
export const configPatchSchema = z
  .strictObject({
    ...globalShape,
    phones: z.record(z.string().regex(PHONE_PATTERN), z.strictObject(perPhoneShape).partial().nullable()),
  })
  .partial();

export type ConfigPatch = z.infer<typeof configPatchSchema>;

/** No faults: how WhatsApp behaves, with a short sync. */
export const NO_FAULTS: Readonly<GlobalFaults> = Object.freeze({
  sync_delay_ms: 100,
  ack_delay_ms: 0,
  lose_acks: false,
  lose_sends: false,
  fail_sends: false,
  delivered_delay_ms: 0,
  read_delay_ms: null,
  drop_sockets_every_ms: null,
  conflict_grace_ms: 0,
  logout_order: 'state_first',
  repeat_delay_ms: 1000,
  missing_modules: [],
  qr_ttl_ms: null,
  qr_refs: 6,
  code_ttl_ms: 180_000,
  page_never_loads: false,
  absent: [],
  history: { chats: 0, messages: 0 },
  ping_interval_ms: 10_000,
  max_devices: 4,
  outage: false,
});

type CountedFault = 'lose_acks' | 'lose_sends' | 'fail_sends';

/** The faults in force. */
export class Faults {
  #global: GlobalFaults;
  readonly #phones = new Map<string, Partial<PhoneFaults>>();
  readonly #initial: Partial<GlobalFaults>;

  /** @param initial what differs from {@link NO_FAULTS} at start and after a reset */
  constructor(initial: Partial<GlobalFaults> = {}) {
    this.#initial = initial;
    this.#global = { ...NO_FAULTS, ...initial };
  }

  get all(): Readonly<GlobalFaults> {
    return this.#global;
  }

  /** What holds for one account. */
  of(phone: string): Readonly<PhoneFaults> {
    const own = this.#phones.get(phone);
    return own === undefined ? this.#global : { ...this.#global, ...own };
  }

  /** Whether this one is hit; a counted fault is used up by one. The account's own setting comes before the global one. */
  hits(fault: CountedFault, phone: string): boolean {
    const own = this.#phones.get(phone);
    const holder: Partial<PhoneFaults> = own?.[fault] === undefined ? this.#global : own;
    const value = holder[fault] ?? false;
    if (typeof value === 'boolean') return value;
    if (value === 0) return false;
    holder[fault] = value - 1;
    return true;
  }

  merge(patch: ConfigPatch): void {
    const { phones, ...global } = patch;
    this.#global = { ...this.#global, ...defined(global) };
    for (const [phone, faults] of Object.entries(phones ?? {})) {
      if (faults === null) this.#phones.delete(phone);
      else this.#phones.set(phone, { ...this.#phones.get(phone), ...defined(faults) });
    }
  }

  reset(): void {
    this.#global = { ...NO_FAULTS, ...this.#initial };
    this.#phones.clear();
  }

  /** The whole document, as `GET /config` shows it. */
  view(): GlobalFaults & { phones: Record<string, Partial<PhoneFaults>> } {
    return { ...this.#global, phones: Object.fromEntries(this.#phones) };
  }
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function defined<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}
