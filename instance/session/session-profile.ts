import type { Clock } from '../../common/clock.ts';
import { messageOf, WharfError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { GenerationName } from '../../fleet/session-paths.ts';
import type { ChromiumVersion } from '../profile/chromium-version.ts';
import type { OpenedProfile, ProfileStore } from '../profile/profile-store.ts';
import type { Trash } from '../profile/trash.ts';
import type { SessionFile } from './session-file.ts';

/** What a session's profile is kept with. */
export interface ProfileParts {
  profiles: ProfileStore;
  trash: Trash;
  chromium: ChromiumVersion;
  clock: Pick<Clock, 'now'>;
  log: Logger;
  /** A copy takes the place of a profile that was lost: it is as it was then, milliseconds since 1970. */
  onRestored: (takenAt: number) => void;
}

/**
 * The profile of one session: opened before each life of its browser, marked after a clean one, retired when its link is gone. One that is lost
 * though nobody removed the device is replaced by its last good copy, once: `restored_at` in the session's record says that it was, until
 * the session has been ready again.
 */
export class SessionProfile {
  readonly #parts: ProfileParts;
  readonly #file: SessionFile;
  /** What is written about the profile while its browser runs; all else waits for it. */
  #noting: Promise<void> = Promise.resolve();

  constructor(file: SessionFile, parts: ProfileParts) {
    this.#file = file;
    this.#parts = parts;
  }

  /**
   * Repairs what a kill has torn, and answers LocalAuth's data path.
   *
   * @throws WharfError `profile_damaged`, `chromium_too_old`, `browser_failed` (another browser has it open), `storage_unavailable`
   */
  async open(signal: AbortSignal): Promise<string> {
    await this.#noting;
    const { profiles, chromium, log } = this.#parts;
    let profile = await profiles.open(this.#name, chromium);
    if (profile.state === 'damaged' && this.#file.record.linked) {
      const from = await this.takeLastGood(`damaged: ${faultsOf(profile)}`, signal);
      if (from !== null) profile = await profiles.open(this.#name, chromium);
    }
    if (profile.repair && profile.repair.truncated.length > 0) {
      const truncated = profile.repair.truncated.length;
      log.warn({ truncated }, 'torn ends of the profile were cut off before the start');
    }
    if (profile.state === 'damaged') {
      throw new WharfError(
        'profile_damaged',
        `The profile in ${profile.directory} is damaged, and Chromium would throw it away. Restore a copy of it, or log the session out to link it anew.`,
      );
    }
    // Whoever prepared it may have ended before it could write that down.
    if (profile.restored && !this.#file.record.restored_at) await this.#noteRestored();
    return profile.directory;
  }

  /** The session came to be ready on it. What cannot be noted or tidied now will be after another start. */
  noteReady(): void {
    const { profiles, log } = this.#parts;
    const name = this.#name;
    this.#noting = this.#noting.then(async () => {
      try {
        await profiles.markReady(name);
        await this.#tidy(name);
      } catch (error) {
        log.warn({ reason: messageOf(error) }, 'that the profile is good could not be noted');
      }
    });
  }

  /** Puts into the trash what has become too old of it since; after whatever is being noted. Never throws. */
  async tidy(): Promise<void> {
    const name = this.#name;
    this.#noting = this.#noting.then(() =>
      this.#tidy(name).catch((error: unknown) =>
        this.#parts.log.warn({ reason: messageOf(error) }, 'the profile could not be tidied'),
      ),
    );
    await this.#noting;
  }

  async #tidy(name: GenerationName): Promise<void> {
    const { profiles, trash, log } = this.#parts;
    const { trashed, removed, unfinished } = await profiles.tidy(name, trash);
    if (trashed.length + removed.length + unfinished.length > 0)
      log.info({ trashed, removed, unfinished }, 'old generations of the profile were tidied away');
  }

  /**
   * The browser closed by itself and was seen to end. A failure only means that the next start repairs first.
   *
   * @param wasReady whether the session was ready before: then the profile is worth a copy
   */
  async markClean(wasReady: boolean): Promise<void> {
    await this.#noting;
    const { profiles, log } = this.#parts;
    try {
      const { marked } = await profiles.markCleanStop(this.#name);
      if (marked && wasReady) await profiles.keepGoodCopy(this.#name);
    } catch (error) {
      log.warn(
        { reason: messageOf(error) },
        'the clean stop could not be noted, or no copy kept; the next start repairs first if need be',
      );
    }
  }

  /**
   * Puts the last good copy in the place of the profile, for the next start. Its browser must have ended.
   *
   * @returns where it comes from, in words; null if there is none, or it has been tried and the session was not ready since
   * @throws WharfError `storage_unavailable`; the signal's reason when it is aborted
   */
  async takeLastGood(why: string, signal: AbortSignal): Promise<string | null> {
    await this.#noting;
    const { profiles, log } = this.#parts;
    if (this.#file.record.restored_at) return null;
    const copy = await profiles.prepareLastGood(this.#name, log, signal);
    if (copy === null) return null;
    const { from, takenAt } = copy;
    this.#parts.onRestored(takenAt);
    await this.#noteRestored();
    log.error(
      { reason: why, from },
      'the profile was lost; the session is started with its last good copy, once',
    );
    return from;
  }

  /** Moves it to the trash, with the generations before it; answers where it is now, or null if there was none. Throws `storage_unavailable`. */
  async retire(): Promise<string | null> {
    await this.#noting;
    const { profiles, trash } = this.#parts;
    const name = this.#name;
    const place = await trash.moveGeneration(name);
    for (const generation of await profiles.generations(name.workspace, name.session))
      if (generation < name.generation) await trash.moveGeneration({ ...name, generation });
    return place;
  }

  async #noteRestored(): Promise<void> {
    await this.#file.write({ restored_at: new Date(this.#parts.clock.now()).toISOString() });
  }

  get #name(): GenerationName {
    const { workspace_id, session_id, generation } = this.#file.record;
    return { workspace: workspace_id, session: session_id, generation };
  }
}

function faultsOf({ repair }: OpenedProfile): string {
  const fatal = repair?.faults.filter(({ severity }) => severity === 'fatal') ?? [];
  return fatal.map(({ file, detail }) => `${file}: ${detail}`).join('; ');
}
