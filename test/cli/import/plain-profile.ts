import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { FoundProfile } from '../../../cli/import/profiles.ts';
import { aDatabase } from '../../helpers/database-files.ts';

/** Makes the profile of a plain client, `session-{clientId}`, with a database, Local Storage and a cache; its directory. */
export async function plainProfile(
  root: string,
  clientId: string,
  more: Record<string, string | Buffer> = {},
): Promise<string> {
  const directory = join(root, `session-${clientId}`);
  const database = aDatabase(`the profile of ${clientId}`);
  const files: Record<string, string | Buffer> = {
    ...database,
    'Default/IndexedDB/https_web.whatsapp.com_0.indexeddb.leveldb/LOCK': '',
    ...Object.fromEntries(
      Object.entries(database).map(([path, content]) => [
        join('Default/Local Storage/leveldb', basename(path)),
        content,
      ]),
    ),
    'Default/Cache/data_1': 'x'.repeat(5000),
    ...more,
  };
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content);
  }
  return directory;
}

/** A profile as it was found. */
export function foundProfile(changes: Partial<FoundProfile> = {}): FoundProfile {
  return {
    clientId: 'shop',
    directory: '/srv/.wwebjs_auth/session-shop',
    bytes: 1000,
    leftOutBytes: 5000,
    chromium: null,
    wasUsed: true,
    ...changes,
  };
}
