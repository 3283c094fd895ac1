import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readdir, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../common/clock.ts';
import { messageOf, systemCode, WharfError } from '../common/errors.ts';
import { createExclusive, makePrivateDirectory, readJson, storageError } from '../common/files.ts';
import type { Logger } from '../common/logger.ts';
import { workspaceIdSchema } from './ids.ts';

/** The key id of the admin key that stands in the environment. */
const ENVIRONMENT_KEY_ID = 'environment';

/**
 * `fleet/keys/{key_id}.json`: a key without its secret. Created once, never changed, removed to revoke it; then an empty `{key_id}.revoked` stays, so that no restore
 * of an older backup makes it good again.
 */
const keyRecordSchema = z.strictObject({
  version: z.literal(1),
  key_id: z.string().regex(/^[0-9a-f]{16}$/),
  /** Whose it is; null for an admin key. */
  workspace_id: workspaceIdSchema.nullable(),
  name: z.string().max(100).nullable(),
  created_at: z.iso.datetime(),
  /** From when on it is refused; left out where it is good until it is revoked. A router that does not know this field refuses the key. */
  expires_at: z.iso.datetime().optional(),
  /** SHA-256 of the whole key, hexadecimal. A key has 256 random bits, so a slow hash would add nothing. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
type KeyRecord = z.infer<typeof keyRecordSchema>;

/** A key as it may be shown. */
export interface KeyInfo {
  keyId: string;
  workspace: string | null;
  name: string | null;
  /** ISO 8601; null for the environment's key. */
  createdAt: string | null;
  /** ISO 8601; null where it is good until it is revoked. */
  expiresAt: string | null;
}

const KEY = /^wharf_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/;
const RECORD_NAME = /^([0-9a-f]{16})\.json$/;

/** Keys revoked or made by other routers are seen after this many milliseconds at most. */
const REFRESH_INTERVAL = 3000;

/**
 * An unknown key id makes the directory be read again, at most this often (milliseconds): guessing keys costs the storage little.
 * Who comes in between waits for the next reading.
 */
const MISS_INTERVAL = 500;

/** What says that a key was revoked. */
export function revokedKeyPath(directory: string, keyId: string): string {
  return join(directory, `${keyId}.revoked`);
}

interface Known {
  info: KeyInfo;
  hash: Buffer;
  /** From when on it is refused, milliseconds since 1970; Infinity where it does not expire. */
  until: number;
}

/**
 * API keys: `wharf_{key_id}_{secret}`, of which the shared storage holds only hashes. They are kept in memory, and the directory is
 * listed every few seconds; while the storage cannot be read, what is known stays good. A key may expire, by this host's clock; its record
 * stays until it is revoked, so that the list tells why it is refused.
 */
export class ApiKeys {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #environmentHash: Buffer | undefined;
  readonly #stopping = new AbortController();
  readonly #known = new Map<string, Known>();
  #lastRead = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;
  #missed: Promise<void> | undefined;
  #storageFault: string | undefined;

  /**
   * @param fleetPath the directory `fleet/` on the shared storage
   * @param environmentKey an admin key that is good while this process lives
   */
  constructor(fleetPath: string, environmentKey: string | undefined, clock: Clock, log: Logger) {
    this.#directory = join(fleetPath, 'keys');
    this.#environmentHash = environmentKey === undefined ? undefined : sha256(environmentKey);
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * Reads the keys, and goes on reading them in the background.
   *
   * @throws WharfError `storage_unavailable`
   */
  async start(): Promise<void> {
    await makePrivateDirectory(this.#directory);
    await this.#read();
    void this.#watch();
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** Whether there is any admin key that is good. */
  get hasAdmin(): boolean {
    return this.#environmentHash !== undefined || this.#goodAdmins().length > 0;
  }

  /** Whose key this is, if it is in memory and good; undefined says that {@link find} may know more. */
  known(key: string): KeyInfo | undefined {
    const hash = sha256(key);
    const stored = this.#storedOf(key, hash);
    if (stored) return this.#isGood(stored) ? stored.info : undefined;
    if (this.#environmentHash && timingSafeEqual(hash, this.#environmentHash)) return ENVIRONMENT_KEY;
    return undefined;
  }

  /** When a key expired, ISO 8601; undefined for all others. Only who holds the whole key is told. */
  expired(key: string): string | undefined {
    const stored = this.#storedOf(key, sha256(key));
    return stored && !this.#isGood(stored) ? (stored.info.expiresAt ?? undefined) : undefined;
  }

  /** The key of an id, while it is good: what was allowed by it may be taken back when it is revoked or expires. */
  infoOf(keyId: string): KeyInfo | undefined {
    if (keyId === ENVIRONMENT_KEY_ID) return this.#environmentHash && ENVIRONMENT_KEY;
    const stored = this.#known.get(keyId);
    return stored && this.#isGood(stored) ? stored.info : undefined;
  }

  /** Whose key this is; undefined when it is nobody's. A key of an unknown id may have been made by another router just now. */
  async find(key: string): Promise<KeyInfo | undefined> {
    const known = this.known(key);
    const keyId = KEY.exec(key)?.[1];
    if (known || keyId === undefined || this.#known.has(keyId)) return known;
    this.#missed ??= this.#readSoon().finally(() => {
      this.#missed = undefined;
    });
    await this.#missed;
    return this.known(key);
  }

  /**
   * Makes a key.
   *
   * @param workspace whose it is; null for an admin key
   * @param expiresAt from when on it is refused, ISO 8601; null: never
   * @returns the key itself, which is never shown again, and what is kept of it
   * @throws WharfError `invalid_request` where it would have expired already, `storage_unavailable`
   */
  async create(
    workspace: string | null,
    name: string | null,
    expiresAt: string | null = null,
  ): Promise<{ key: string; info: KeyInfo }> {
    const now = this.#clock.now();
    if (expiresAt !== null && Date.parse(expiresAt) <= now) {
      throw new WharfError(
        'invalid_request',
        `body.expires_at: must be later than now, which is ${new Date(now).toISOString()} at this router.`,
      );
    }
    const keyId = randomBytes(8).toString('hex');
    const key = `wharf_${keyId}_${randomBytes(32).toString('base64url')}`;
    const record: KeyRecord = {
      version: 1,
      key_id: keyId,
      workspace_id: workspace,
      name,
      created_at: new Date(now).toISOString(),
      // A record without it is read by every version.
      ...(expiresAt === null ? {} : { expires_at: new Date(expiresAt).toISOString() }),
      sha256: sha256(key).toString('hex'),
    };
    await createExclusive(this.#path(keyId), `${JSON.stringify(record, null, 2)}\n`);
    const known = toKnown(record);
    this.#known.set(keyId, known);
    return { key, info: known.info };
  }

  /** The keys on the shared storage that are good, as last read. */
  stored(): KeyInfo[] {
    return [...this.#known.values()].filter((known) => this.#isGood(known)).map(({ info }) => info);
  }

  /** All keys, also those that expired, oldest first, read anew. */
  async list(): Promise<KeyInfo[]> {
    await this.#read();
    const stored = [...this.#known.values()].map((known) => known.info);
    stored.sort(
      (a, b) => (a.createdAt ?? '').localeCompare(b.createdAt ?? '') || a.keyId.localeCompare(b.keyId),
    );
    return this.#environmentHash ? [ENVIRONMENT_KEY, ...stored] : stored;
  }

  /**
   * Revokes a key; other routers see it within seconds.
   *
   * @throws WharfError `not_found`; `invalid_state` for the last admin key, for the last that does not expire, and for the environment's;
   *   `storage_unavailable`
   */
  async revoke(keyId: string): Promise<void> {
    if (keyId === ENVIRONMENT_KEY_ID && this.#environmentHash) {
      throw new WharfError(
        'invalid_state',
        'This key stands in WHARF_ADMIN_KEY of the router: remove it there and restart the router.',
      );
    }
    await this.#read();
    const known = this.#known.get(keyId);
    if (!known)
      throw new WharfError('not_found', 'There is no API key of this id. GET /api/fleet/keys lists them.');
    if (this.#environmentHash === undefined) this.#requireNotLast(known);
    await createExclusive(revokedKeyPath(this.#directory, keyId), '');
    try {
      await unlink(this.#path(keyId));
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw storageError('remove the API key', this.#path(keyId), error);
    }
    this.#known.delete(keyId);
  }

  async #readSoon(): Promise<void> {
    const pause = this.#lastRead + MISS_INTERVAL - this.#clock.monotonic();
    if (pause > 0) await this.#clock.sleep(pause, this.#stopping.signal).catch(() => undefined);
    await this.#readQuietly();
  }

  /** Throws `invalid_state` for an admin key without which, now or once the others have expired, nobody could make another. */
  #requireNotLast(known: Known): void {
    const admins = this.#goodAdmins();
    if (!admins.includes(known)) return;
    const lasts = ({ until }: Known) => until === Number.POSITIVE_INFINITY;
    const others = admins.filter((other) => other !== known);
    if (lasts(known) ? others.some(lasts) : others.length > 0) return;
    throw new WharfError(
      'invalid_state',
      others.length === 0
        ? 'This is the last admin key: without it nobody could make another. Make a new one first.'
        : 'This is the last admin key that does not expire: once the others have expired, nobody could make another. Make a new one first, without expires_at.',
    );
  }

  #goodAdmins(): Known[] {
    return [...this.#known.values()].filter((known) => known.info.workspace === null && this.#isGood(known));
  }

  #isGood({ until }: Known): boolean {
    return this.#clock.now() < until;
  }

  /** What is kept of a key, good or not. */
  #storedOf(key: string, hash: Buffer): Known | undefined {
    const keyId = KEY.exec(key)?.[1];
    const stored = keyId === undefined ? undefined : this.#known.get(keyId);
    return stored && timingSafeEqual(hash, stored.hash) ? stored : undefined;
  }

  #path(keyId: string): string {
    return join(this.#directory, `${keyId}.json`);
  }

  async #watch(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await this.#clock.sleep(REFRESH_INTERVAL, this.#stopping.signal).catch(() => undefined);
      if (!this.#stopping.signal.aborted) await this.#readQuietly();
    }
  }

  async #readQuietly(): Promise<void> {
    try {
      await this.#read();
      if (this.#storageFault !== undefined) this.#log.info('the API keys can be read again');
      this.#storageFault = undefined;
    } catch (error) {
      if (this.#storageFault === undefined) {
        this.#log.error(
          { reason: messageOf(error) },
          'the API keys cannot be read: going on with those that are known',
        );
      }
      this.#storageFault = messageOf(error);
    }
  }

  #read(): Promise<void> {
    this.#reading ??= this.#readDirectory().finally(() => {
      this.#reading = undefined;
      this.#lastRead = this.#clock.monotonic();
    });
    return this.#reading;
  }

  /** Records never change: only new names are opened, and names that are gone are revoked. */
  async #readDirectory(): Promise<void> {
    const before = new Set(this.#known.keys());
    let names: string[];
    try {
      names = await readdir(this.#directory);
    } catch (error) {
      throw storageError('list the API keys', this.#directory, error);
    }
    const there = new Set(names);
    const ids = new Set(
      names
        .flatMap((name) => RECORD_NAME.exec(name)?.[1] ?? [])
        .filter((id) => !there.has(basename(revokedKeyPath(this.#directory, id)))),
    );
    // A key made by this process while the directory was being listed is not in `before`, and stays.
    for (const id of before) if (!ids.has(id)) this.#known.delete(id);
    for (const id of ids) if (!this.#known.has(id)) await this.#readRecord(id);
  }

  async #readRecord(keyId: string): Promise<void> {
    try {
      const record = await readJson(this.#path(keyId), keyRecordSchema);
      if (record?.key_id === keyId) this.#known.set(keyId, toKnown(record));
    } catch (error) {
      // Another router may be writing it at this moment; the next reading sees it whole.
      this.#log.debug({ key_id: keyId, reason: messageOf(error) }, 'an API key cannot be read yet');
    }
  }
}

const ENVIRONMENT_KEY: KeyInfo = Object.freeze({
  keyId: ENVIRONMENT_KEY_ID,
  workspace: null,
  name: 'WHARF_ADMIN_KEY',
  createdAt: null,
  expiresAt: null,
});

function toKnown(record: KeyRecord): Known {
  const expiresAt = record.expires_at ?? null;
  return {
    info: {
      keyId: record.key_id,
      workspace: record.workspace_id,
      name: record.name,
      createdAt: record.created_at,
      expiresAt,
    },
    hash: Buffer.from(record.sha256, 'hex'),
    until: expiresAt === null ? Number.POSITIVE_INFINITY : Date.parse(expiresAt),
  };
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
