import type { Clock } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';
import type { SessionRecord } from '../../fleet/records.ts';
import type { GenerationInMaking } from '../profile/new-generation.ts';
import type { ProfileStore } from '../profile/profile-store.ts';
import type { ClientAuthority } from '../whatsapp/client.ts';
import type { SessionFile } from './session-file.ts';
import type { StartGate } from './start-gate.ts';

/** On what terms a session is run: those of its workspace's grant (`supervisor/worker.ts`). */
export interface Tenure extends ClientAuthority {
  epoch: number;
  /** A profile in an earlier generation is copied to one of this number before a browser is started on it. */
  generation: number;
  /** Whether the owner before released the session: the list of files it left must be met. */
  released: boolean;
  /** When the first browser may start on a copied profile, on the clock that sessions have. */
  startAt: number;
  /** Waits a short time for the authority to be proved. Throws as {@link ClientAuthority.require}. */
  settled(): Promise<void>;
}

/** What a takeover is made of. */
export interface TakeoverParts {
  file: SessionFile;
  profiles: ProfileStore;
  tenure: Tenure;
  /** Bounds how many profiles are copied at one time. */
  copies: StartGate;
  clock: Clock;
  log: Logger;
}

/**
 * Makes a session of an earlier owner this one's, before its browser is started: copies its profile to a generation of its own, which may
 * begin while the owner before is still ending, waits until that has ended, and signs its record.
 */
export class SessionTakeover {
  readonly #parts: TakeoverParts;
  #signed: boolean;

  /** @param signed whether no earlier owner of another host can still write the session's record */
  constructor(parts: TakeoverParts, signed: boolean) {
    this.#parts = parts;
    this.#signed = signed;
  }

  /** Whether anything is to be done before a start. */
  get isDue(): boolean {
    return !this.#signed || this.#mustCopy;
  }

  /** Whether its record is this owner's: no earlier one can still write it, nor the profile. */
  get isSigned(): boolean {
    return this.#signed;
  }

  /**
   * Takes the session over. Begin again where it fails.
   *
   * @returns false where the session is gone: the owner before deleted it
   * @throws WharfError as `ProfileStore.adopt` and `SessionFile.takeOver`; the signal's reason
   */
  async run(signal: AbortSignal): Promise<boolean> {
    const { file, log, tenure } = this.#parts;
    if (!this.isDue) return true;
    const begun = file.record;
    let making = this.#mustCopy
      ? await this.#inItsTurn(signal, () => this.#begin(file.record, signal))
      : undefined;
    await this.#ownerBeforeEnded(signal);
    return await this.#inItsTurn(signal, async () => {
      if (!(await this.#signNow())) return false;
      const { record } = file;
      if (!this.#mustCopy) return true;
      // What the owner before wrote last may name another profile.
      const changed = begun.generation !== record.generation || begun.linked !== record.linked;
      if (!making || changed) making = await this.#begin(record, signal);
      const { generation, source, copied } = await making.finish();
      await file.write({ generation });
      log.info(
        { generation, from: source, exact: copied?.exact ?? null, epoch: tenure.epoch },
        'took the profile over into a generation of its own',
      );
      return true;
    });
  }

  /** Waits until the owner before has ended, and signs the record; false where the session is gone. */
  async sign(signal: AbortSignal): Promise<boolean> {
    if (this.#signed) return true;
    await this.#ownerBeforeEnded(signal);
    return await this.#inItsTurn(signal, () => this.#signNow());
  }

  async #signNow(): Promise<boolean> {
    this.#signed ||= await this.#parts.file.takeOver();
    return this.#signed;
  }

  async #ownerBeforeEnded(signal: AbortSignal): Promise<void> {
    const { clock, tenure } = this.#parts;
    const wait = tenure.startAt - clock.monotonic();
    if (wait > 0) await clock.sleep(wait, signal);
    signal.throwIfAborted();
  }

  get #mustCopy(): boolean {
    return this.#parts.file.record.generation < this.#parts.tenure.generation;
  }

  #begin(record: Readonly<SessionRecord>, signal: AbortSignal): Promise<GenerationInMaking> {
    const { log, profiles, tenure } = this.#parts;
    return profiles.adopt({ record, to: tenure.generation, released: tenure.released, signal, log });
  }

  async #inItsTurn<T>(signal: AbortSignal, task: () => Promise<T>): Promise<T> {
    const leave = await this.#parts.copies.enter(signal);
    try {
      return await task();
    } finally {
      leave();
    }
  }
}
