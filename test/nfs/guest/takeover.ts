import { randomBytes } from 'node:crypto';
import { mkdir, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createExclusive, replaceFile } from '../../../common/files.ts';
import { readBeacon, writeBeacon } from '../../../fleet/beacons.ts';
import type { SessionRecord } from '../../../fleet/records.ts';
import { type GenerationName, SessionPaths } from '../../../fleet/session-paths.ts';
import { TreeCopy } from '../../../instance/profile/tree-copy.ts';
import { SessionStore } from '../../../instance/session/session-store.ts';
import { claim, highest } from './claims.ts';

const SESSION = 's';
/** Where Chromium keeps what a session is, below the user data directory. */
const DATABASE = 'Default/IndexedDB/https_web.whatsapp.com_0.indexeddb.leveldb';

export interface TakeoverCall {
  sessions: string;
  workspace: string;
  instance: string;
  /** Between the claim and the copy, milliseconds: `T_wait`. */
  wait: number;
}

/** How long each step took, milliseconds, in their order. */
export type Steps = Record<string, number>;

/**
 * Makes a session as an owner does: claimed at epoch 1, its record written and read, its first generation's database with a table. Answers the
 * database's directory.
 */
export async function beginSession(call: TakeoverCall): Promise<string> {
  const paths = new SessionPaths(call.sessions);
  await claim({ ...call, epoch: 1 });
  const store = new SessionStore(paths);
  await store.write(recordOf(call.workspace, 1), 1);
  const directory = await databaseDirectory({ ...call, generation: 1 });
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await createExclusive(join(directory, '000005.ldb'), 'a table, never changed\n'.repeat(20_000));
  await mkdir(paths.trash(call.workspace), { mode: 0o700 });
  return directory;
}

/** Reads the session's record again, as an owner does now and then. */
export async function readRecord(call: { sessions: string; workspace: string }): Promise<number> {
  const stored = await new SessionStore(new SessionPaths(call.sessions)).read(call.workspace, SESSION);
  return stored?.epoch ?? 0;
}

/** Writes the beacon of an instance, or reads it, as supervisors do when they start. Answers how long it took, milliseconds. */
export async function beacon(call: { sessions: string; instance: string; read: boolean }): Promise<number> {
  const paths = new SessionPaths(call.sessions);
  const started = performance.now();
  if (call.read) await readBeacon(paths, call.instance);
  else await writeBeacon(paths, call.instance, randomBytes(16).toString('hex'));
  return Math.round(performance.now() - started);
}

/** Where a generation of that session has its database. */
export async function databaseDirectory(call: {
  sessions: string;
  workspace: string;
  generation: number;
}): Promise<string> {
  return join(new SessionPaths(call.sessions).userData(nameOf(call)), DATABASE);
}

/** What a new owner does on the shared storage, step by step, with the code it does it with. Answers how long each step took. */
export async function takeOver(call: TakeoverCall): Promise<Steps> {
  const paths = new SessionPaths(call.sessions);
  const store = new SessionStore(paths);
  const steps: Steps = {};
  const timed = async <T>(step: string, work: () => Promise<T>): Promise<T> => {
    const started = performance.now();
    try {
      return await work();
    } finally {
      steps[step] = Math.round(performance.now() - started);
    }
  };
  const found = await timed('look for the highest claim', () => highest(call));
  const epoch = (found.epoch ?? 0) + 1;
  const { won } = await timed('claim', () => claim({ ...call, epoch }));
  if (!won) throw new Error(`somebody else has claimed epoch ${epoch}`);
  await sleep(call.wait);
  const stored = await timed('read the record', () => store.read(call.workspace, SESSION));
  const generation = stored?.record.generation ?? 1;
  const [from, to] = [generation, epoch].map((number) =>
    paths.userData(nameOf({ ...call, generation: number })),
  ) as [string, string];
  await mkdir(to, { recursive: true, mode: 0o700 });
  const copy = new TreeCopy(from, to, AbortSignal.timeout(300_000));
  await timed('copy the generation, two rounds', async () => {
    await copy.round();
    await copy.round();
  });
  await timed('sync the copy', () => copy.sync());
  const own = join(paths.workspace(call.workspace), `new-name-${epoch}.json`);
  await timed('write a file of a new name', () => replaceFile(own, '{}'));
  await timed('write the record, SessionStore.write()', () =>
    store.write(recordOf(call.workspace, epoch), epoch),
  );
  return steps;
}

/** What tidies up after a takeover: a dead generation goes to the trash, then one of its files is removed. Answers how long each took. */
export async function discard(call: {
  sessions: string;
  workspace: string;
  generation: number;
}): Promise<Steps> {
  const paths = new SessionPaths(call.sessions);
  const trash = join(paths.trash(call.workspace), `gen-${call.generation}`);
  const steps: Steps = {};
  const started = performance.now();
  await rename(paths.generation(nameOf(call)), trash);
  steps['generation to the trash'] = Math.round(performance.now() - started);
  const renamed = performance.now();
  await unlink(join(trash, `session-${SESSION}`, DATABASE, '000005.ldb'));
  steps['remove a table the old owner had open'] = Math.round(performance.now() - renamed);
  return steps;
}

function nameOf(call: { workspace: string; generation: number }): GenerationName {
  return { workspace: call.workspace, session: SESSION, generation: call.generation };
}

function recordOf(workspace: string, generation: number): SessionRecord {
  return {
    ...{ version: 1, workspace_id: workspace, session_id: SESSION, account_id: null, proxy: null },
    ...{ should_run: true, linked: true, phone_number: null, generation, last_error: null },
    created_at: new Date(0).toISOString(),
  };
}
