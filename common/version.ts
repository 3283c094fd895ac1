import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { systemCode } from '../common/errors.ts';

/** package.json, seen from dist/backup; and from backup, where nothing was built. */
const PACKAGES = ['../../package.json', '../package.json'];

/** Wharf's version. */
export async function wharfVersion(): Promise<string> {
  for (const path of PACKAGES) {
    try {
      const text = await readFile(new URL(path, import.meta.url), 'utf8');
      return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
    }
  }
  return 'unknown';
}
