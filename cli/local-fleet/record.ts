import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { readJson, removeTree, replaceFile } from '../../common/files.ts';

/** Name of the file, in the local fleet's data directory, that says how the fleet is reached. Mode 0600: it holds the admin key. */
const FILE_NAME = 'local-fleet.json';

/** How a local fleet (`npm start`) is reached, for the commands on the same machine. */
export const localFleetSchema = z.object({
  /** The router. */
  url: z.url(),
  /** An admin key. */
  api_key: z.string().min(1),
  /** The process that `npm start` is; the record may outlive it. */
  pid: z.number().int().positive(),
  /** The emulator's control API, or null under `--live`. */
  emulator: z.url().nullable().default(null),
  /** The fleet's own Redis, and where its sessions lie: what `wharf doctor` looks at. */
  redis_url: z.string().nullable().default(null),
  session_path: z.string().nullable().default(null),
  /** The instances, each with its process as it runs now: one that died is started again, as another process. */
  instances: z
    .array(z.object({ id: z.string(), pid: z.number().int().positive(), url: z.url() }))
    .default([]),
});
export type LocalFleetRecord = z.infer<typeof localFleetSchema>;

/** The data directory of the local fleet where none is named: `.wharf` in the repository this file was built in. */
export function defaultDataDirectory(): string {
  // This file lies in <repository>/cli/local-fleet, or in <repository>/dist/cli/local-fleet once built.
  const parent = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
  return join(parent.endsWith('/dist') ? dirname(parent) : parent, '.wharf');
}

/** Where the record of the local fleet in a data directory lies. */
export function localFleetFile(dataDirectory: string): string {
  return join(dataDirectory, FILE_NAME);
}

/**
 * Reads the record of the local fleet in a data directory.
 *
 * @returns null if no fleet was started there, or it has ended cleanly
 * @throws WharfError `storage_unavailable` if the file cannot be read or is damaged
 */
export function readLocalFleet(dataDirectory: string): Promise<LocalFleetRecord | null> {
  return readJson(localFleetFile(dataDirectory), localFleetSchema);
}

/** Writes the record, whole or not at all. The directory must exist. */
export function writeLocalFleet(dataDirectory: string, record: LocalFleetRecord): Promise<void> {
  return replaceFile(localFleetFile(dataDirectory), `${JSON.stringify(record, null, 2)}\n`);
}

/** Removes the record: the fleet has ended. */
export function removeLocalFleet(dataDirectory: string): Promise<void> {
  return removeTree(localFleetFile(dataDirectory));
}
