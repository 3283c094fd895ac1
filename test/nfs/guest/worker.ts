import { createInterface } from 'node:readline';
import { claim, highest } from './claims.ts';
import { hashes, readLogs, stopWriting, syncFile, writeLog } from './logs.ts';
import { guestClock, look, stopLooking } from './looks.ts';
import { beacon, beginSession, databaseDirectory, discard, readRecord, takeOver } from './takeover.ts';
import { replace, watchVersions } from './versions.ts';

/** A call of the worker: takes arguments, may tell of events while it runs, and answers. */
export type Call = (args: never, emit: (event: object) => void) => Promise<unknown>;

/** What the proof has done in a machine. */
const CALLS: Readonly<Record<string, Call>> = {
  beacon,
  beginSession,
  claim,
  databaseDirectory,
  discard,
  guestClock,
  hashes,
  highest,
  look,
  readLogs,
  readRecord,
  replace,
  stopLooking,
  stopWriting,
  syncFile,
  takeOver,
  watchVersions,
  writeLog,
};

const say = (message: object) => process.stdout.write(`${JSON.stringify(message)}\n`);

createInterface(process.stdin).on('line', async (text) => {
  const { id, call, args } = JSON.parse(text) as { id: number; call: string; args: never };
  try {
    const known = CALLS[call];
    if (known === undefined) throw new Error(`there is no call ${call}`);
    const value = await known(args, (event) => say({ id, event }));
    say({ id, value: value ?? null });
  } catch (error) {
    say({ id, error: error instanceof Error ? error.message : String(error) });
  }
});
