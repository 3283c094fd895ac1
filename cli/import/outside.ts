import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { liesInFleet } from '../../fleet/fleet-directories.ts';
import { CommandFailure, EXIT_WRONG_USE } from '../failure.ts';
import type { FoundProfile } from './profiles.ts';

/**
 * Refuses profiles that are a fleet's, by whatever path they are reached: their owner may run on another host, where nothing here sees it, and one device would be connected twice.
 *
 * @param sessionPath of the fleet they are to be imported into
 * @throws CommandFailure `wrong_use`
 */
export async function requireOutsideFleets(
  profiles: readonly Pick<FoundProfile, 'directory'>[],
  sessionPath: string,
): Promise<void> {
  for (const { directory } of profiles)
    for (const path of [directory, join(directory, 'Default')]) {
      const real = await realpath(path).catch(() => path);
      if (!(await liesInFleet(real, sessionPath))) continue;
      throw new CommandFailure(
        `${directory}${real === directory ? '' : ` is ${real}, which`} lies in the session path of a fleet, whose sessions only their owners may run: imported, one device would be connected twice. Name where the plain clients keep theirs; if no fleet ever had this one, rename the directories above it that are called workspace_..., session_... or have owners/ in them.`,
        { code: 'wrong_use', exitCode: EXIT_WRONG_USE },
      );
    }
}
