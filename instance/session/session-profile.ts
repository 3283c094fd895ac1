import { messageOf, WharfError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { SessionRecord } from '../../fleet/records.ts';
import type { GenerationName } from '../../fleet/session-paths.ts';
import type { ChromiumVersion } from '../profile/chromium-version.ts';
import type { ProfileStore } from '../profile/profile-store.ts';
import type { Trash } from '../profile/trash.ts';

/** What a session's profile is kept with. */
export interface ProfileParts {
  profiles: ProfileStore;
  trash: Trash;
  chromium: ChromiumVersion;
  log: Logger;
}

/** The profile of one session: opened before each life of its browser, marked after a clean one, retired when its link is gone. */
export class SessionProfile {
  readonly #parts: ProfileParts;
  readonly #name: GenerationName;

  constructor(record: SessionRecord, parts: ProfileParts) {
    this.#parts = parts;
    this.#name = {
      workspace: record.workspace_id,
      session: record.session_id,
      generation: record.generation,
    };
  }

  /**
   * Repairs what a kill has torn, and answers LocalAuth's data path.
   *
   * @throws WharfError `profile_damaged`, `chromium_too_old`, `browser_failed` (another browser has it open), `storage_unavailable`
   */
  async open(): Promise<string> {
    const { profiles, chromium, log } = this.#parts;
    const profile = await profiles.open(this.#name, chromium);
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
    return profile.directory;
  }

  /** The browser closed by itself and was seen to end. A failure only means that the next start repairs first. */
  async markClean(): Promise<void> {
    try {
      await this.#parts.profiles.markCleanStop(this.#name);
    } catch (error) {
      this.#parts.log.warn(
        { reason: messageOf(error) },
        'the clean stop could not be noted; the next start repairs first',
      );
    }
  }

  /** Moves it to the trash; answers where it is now, or null if there was none. Throws `storage_unavailable`. */
  async retire(): Promise<string | null> {
    return await this.#parts.trash.moveGeneration(this.#name);
  }
}
