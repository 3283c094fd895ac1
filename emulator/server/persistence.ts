import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf, systemCode } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Directory } from './directory.ts';
import type { Ledger } from './ledger.ts';
import { replaceFile } from './replace-file.ts';
import { restoreSnapshot, takeSnapshot } from './snapshot.ts';
import { makeTlsIdentity, type TlsIdentity } from './tls.ts';

/** A change is saved that long after it, milliseconds; or longer, where saving takes long: */
const SAVE_DELAY = 300;
/** Saving may take a tenth of the time at most. */
const SAVE_SHARE = 10;

const identitySchema = z.object({ key: z.string(), cert: z.string() });

/** Keeps the emulator's accounts in a directory, so that sessions linked to it come back after it was restarted. */
export class Persistence {
  readonly #path: string;
  readonly #directory: Directory;
  readonly #ledger: Ledger;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #lastSaveTook = 0;
  #saving: Promise<void> = Promise.resolve();

  constructor(dataDirectory: string, directory: Directory, ledger: Ledger, log: Logger) {
    this.#path = join(dataDirectory, 'accounts.json');
    this.#directory = directory;
    this.#ledger = ledger;
    this.#log = log;
  }

  /** @throws WharfError `config_invalid` when the file is there but cannot be used */
  async load(): Promise<void> {
    const json = await readIfThere(this.#path);
    if (json !== undefined) restoreSnapshot(json, this.#path, this.#directory, this.#ledger);
  }

  /** Something has changed: saves soon. */
  changed(): void {
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined;
        this.save().catch((error: unknown) =>
          this.#log.error({ path: this.#path, reason: messageOf(error) }, 'the accounts could not be saved'),
        );
      },
      Math.max(SAVE_DELAY, this.#lastSaveTook * SAVE_SHARE),
    );
  }

  /** Saves now. */
  save(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const saved = this.#saving
      .catch(() => {})
      .then(() => replaceFile(this.#path, takeSnapshot(this.#directory, this.#ledger)));
    this.#saving = saved;
    return saved;
  }
}

/** The key and certificate kept in a directory, made at the first time: browsers started before a restart go on trusting the same key. */
export async function keptTlsIdentity(dataDirectory: string): Promise<TlsIdentity> {
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
  const path = join(dataDirectory, 'tls.json');
  const json = await readIfThere(path);
  if (json !== undefined) return identitySchema.parse(JSON.parse(json));
  const made = await makeTlsIdentity();
  await replaceFile(path, JSON.stringify(made));
  return made;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
