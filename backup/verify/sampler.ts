import { join } from 'node:path';
import { isWharfError, messageOf } from '../../common/errors.ts';
import { sessionNamed } from '../archive/archive-faults.ts';
import { assembleProfile } from '../archive/assemble.ts';
import type { BackedUpSession, Manifest } from '../manifest/manifest.ts';
import type { Objects } from '../objects/objects.ts';
import type { OperationHandle } from '../operations.ts';
import type { Scratch } from '../scratch.ts';
import type { DamageReports } from './damage-reports.ts';
import { inspectAssembled } from './inspect-profile.ts';
import { chooseSample } from './sample.ts';

export interface SamplerParts {
  objects: Pick<Objects, 'read'>;
  scratch: Scratch;
  /** Sessions of each backup. */
  count: number;
  damage: DamageReports;
}

/** Restores some sessions of each new backup into the scratch directory, and looks whether a browser could open them. */
export class Sampler {
  readonly #parts: SamplerParts;

  constructor(parts: SamplerParts) {
    this.#parts = parts;
  }

  /**
   * One session after the other, all of them. What is damaged is told and fails nothing; a session that could not be looked at is told as such.
   *
   * @throws where sessions could not be looked at, why the first could not: of these nobody knows whether they can be restored. The signal's reason
   */
  async look(manifest: Manifest, operation: OperationHandle): Promise<void> {
    const unseen: unknown[] = [];
    for (const session of chooseSample(manifest.id, manifest.sessions, this.#parts.count)) {
      operation.signal.throwIfAborted();
      try {
        const fault = await this.#faultOf(session, operation.signal);
        if (fault !== null)
          this.#parts.damage.other(operation, {
            backup: manifest.id,
            what: `${sessionNamed(session)} was restored to look at it, and is damaged: ${fault}`,
          });
      } catch (error) {
        operation.signal.throwIfAborted();
        unseen.push(error);
        operation.find(
          `${sessionNamed(session)} was to be restored to look at it, and could not be: ${messageOf(error)}`,
        );
      }
    }
    if (unseen.length > 0) throw unseen[0];
  }

  /** What is damaged, in words; null: nothing. Throws where that cannot be found out. */
  async #faultOf(session: BackedUpSession, signal: AbortSignal): Promise<string | null> {
    const { objects, scratch } = this.#parts;
    try {
      return await scratch.use(async (directory) => {
        const profile = join(directory, 'profile');
        await assembleProfile(session, profile, { objects, signal, durable: false });
        const faults = await inspectAssembled(profile);
        return faults.length === 0 ? null : faults.join('; ');
      });
    } catch (error) {
      signal.throwIfAborted();
      if (isWharfError(error, 'backup_damaged')) return error.message.replace(/\.$/, '');
      throw error;
    }
  }
}
