import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { WharfError } from '../../common/errors.ts';
import { readJson, replaceFile } from '../../common/files.ts';
import type { LocalFleetOptions } from './options.ts';

/** Name of the file in the data directory. Mode 0600: it holds the admin key. */
const FILE_NAME = 'settings.json';

const schema = z.object({
  /** Which WhatsApp the sessions are linked with. */
  whatsapp: z.enum(['emulated', 'live']),
  /** How many instances it last ran with. */
  instances: z.number().int().positive(),
  /** The admin key, the same at every start, so that pages and scripts that have it go on working. */
  api_key: z.string().min(32),
});

/** What a data directory keeps from one start to the next. */
export type Settings = z.infer<typeof schema>;

/**
 * Reads what a data directory was used for, and records what it is used for now.
 *
 * @param warn told of what may surprise
 * @throws WharfError `config_invalid` when its sessions belong to another WhatsApp
 */
export async function loadSettings(
  { data, live, instances }: LocalFleetOptions,
  warn: (message: string) => void,
): Promise<Settings> {
  const path = join(data, FILE_NAME);
  const whatsapp = live ? 'live' : 'emulated';
  const before = await readJson(path, schema);
  if (before !== null && before.whatsapp !== whatsapp) {
    const advice = live
      ? 'Give the live ones a directory of their own, for example: npm start -- --live --data .wharf/live'
      : 'Add --live, or give --data another directory for the emulated ones';
    throw new WharfError(
      'config_invalid',
      `The sessions in ${data} are linked with the ${before.whatsapp} WhatsApp, and the ${whatsapp} one would log them out. ${advice}.`,
    );
  }
  if (before !== null && before.instances > instances) {
    warn(
      `this fleet ran with ${before.instances} instances before; sessions that are on those beyond ${instances} stay away until it does again`,
    );
  }
  const settings: Settings = {
    whatsapp,
    instances: Math.max(instances, before?.instances ?? 0),
    api_key: before?.api_key ?? `wharf_local_${randomBytes(24).toString('hex')}`,
  };
  await replaceFile(path, `${JSON.stringify(settings)}\n`);
  return settings;
}
