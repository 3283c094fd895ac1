import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { exists } from '../common/files.ts';

/**
 * Whether a directory is below a fleet's session path: this one's, by whatever name or mount, or another fleet's, which is told by what lies around it. The sessions there
 * are run by their owners alone, on whatever host.
 *
 * @param place a real path (`fs.realpath`); it need not exist
 * @param sessionPath of the fleet, if this host has one
 */
export async function liesInFleet(place: string, sessionPath: string): Promise<boolean> {
  const root = await realpath(sessionPath).catch(() => sessionPath);
  if (`${place}/`.startsWith(`${root}/`)) return true;
  for (let above = place; above !== dirname(above); above = dirname(above)) {
    if (/^(workspace|session)_/.test(basename(above))) return true;
    // A workspace, and a generation: both may be mounted without what is above them.
    if (await exists(join(above, 'owners'))) return true;
    if (await exists(join(above, 'wharf-profile.json'))) return true;
  }
  return false;
}
