import { createHash } from 'node:crypto';
import { RouterClient } from '../client.ts';
import { CommandFailure } from '../failure.ts';
import { dataDirectory, type TargetOptions } from '../target.ts';
import { localFleetFile, readLocalFleet } from './record.ts';

/**
 * The control API of the local fleet's emulated WhatsApp, asked as a router is.
 *
 * @throws CommandFailure `no_fleet` when no local fleet runs, `no_emulator` when it runs with the real WhatsApp
 */
export async function findEmulator(options: TargetOptions, signal: AbortSignal): Promise<RouterClient> {
  const directory = dataDirectory(options);
  const fleet = await readLocalFleet(directory);
  if (fleet === null) {
    throw new CommandFailure(
      `No local fleet runs from ${directory}: start one with "npm start", or name its directory with --data.`,
      { code: 'no_fleet' },
    );
  }
  if (fleet.emulator === null) {
    throw new CommandFailure('This fleet runs with the real WhatsApp: use a real phone.', {
      code: 'no_emulator',
    });
  }
  // It asks for no key, and gets none of the fleet's.
  return new RouterClient({ url: fleet.emulator, key: 'none', from: localFleetFile(directory) }, signal);
}

/** The number of the emulated phone of a session where none is named: the same each time. */
export function phoneOf(workspace: string, session: string): string {
  const number = createHash('sha256').update(`${workspace}/${session}`).digest().readUIntBE(0, 6) % 1e8;
  return `4917${String(number).padStart(8, '0')}`;
}
