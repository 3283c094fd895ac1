import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Restore } from '../../../fleet/backup/api.ts';
import { EmulatedPhones, historyOf } from '../../chaos/backups/emulated.ts';
import { BackupFleet } from '../../chaos/backups/fleet.ts';
import { Buckets } from './buckets.ts';
import { anHour } from './hour.ts';
import { type Made, ResticSide, type RestoredFiles, type Side, TarSide, WharfSide } from './sides.ts';

/** What is measured. */
export interface BackupBenchOptions {
  sessions: number;
  /** Megabytes of history each account is linked with. */
  megabytes: number;
  rounds: number;
  say: (text: string) => void;
}

/** By the side's name. */
type BySide<T> = Record<string, T>;

export interface BackupRound {
  first: BySide<Made>;
  next: BySide<Made>;
}

/** Seconds of a restore into the running fleet: until it was done, and until the last session was ready. */
export interface OwnRestore {
  done: number;
  ready: number;
}

export interface BackupFindings {
  rounds: BackupRound[];
  /** Of what is on the share, bytes at the end. */
  share: { bytes: number; files: number };
  busy: number;
  restores: { wharf: { one: OwnRestore[]; all: OwnRestore }; tar: RestoredFiles; restic: RestoredFiles };
}

/**
 * Everything on the share, backed up by Wharf, by a tar and by restic, to one S3 server in one run; an hour's messages; once more. Then restores. The
 * browsers of all sessions run all the time, on two instances, as in production.
 */
export async function measureBackups(
  options: BackupBenchOptions,
  signal: AbortSignal,
): Promise<BackupFindings> {
  const { say } = options;
  const directory = await mkdtemp(join(tmpdir(), 'wharf-backup-bench-'));
  const emulated = await EmulatedPhones.start(historyOf(options.megabytes));
  const buckets = await Buckets.start();
  try {
    const fleet = await BackupFleet.start({
      directory: join(directory, 'fleet'),
      emulated,
      instances: 2,
      store: null,
    });
    try {
      await fleet.link(options.sessions, 2);
      say(`${options.sessions} sessions are linked`);
      return await inFleet(options, { directory, fleet, buckets, emulated }, signal);
    } finally {
      await fleet.close();
    }
  } finally {
    await buckets.close();
    await emulated.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

interface Parts {
  directory: string;
  fleet: BackupFleet;
  buckets: Buckets;
  emulated: EmulatedPhones;
}

async function inFleet(
  { rounds: wanted, say }: BackupBenchOptions,
  parts: Parts,
  signal: AbortSignal,
): Promise<BackupFindings> {
  const { fleet, buckets, emulated } = parts;
  const tar = new TarSide(parts);
  const restic = new ResticSide(parts);
  const sides: Side[] = [new WharfSide(parts), tar, restic];
  const rounds: BackupRound[] = [];
  let busy = 0;
  for (let round = 1; round <= wanted && !signal.aborted; round += 1) {
    for (const { name } of sides) await buckets.make(bucketOf(name, round));
    for (const side of sides) await side.prepare(bucketOf(side.name, round));
    // Whoever comes first in one round comes later in the next.
    const order = sides.map((_, index) => sides[(index + round - 1) % sides.length] as Side);
    const first = await backAll(order, round, `round ${round}`, say);
    await proveAll(order, round, first, say);
    busy = await anHour(fleet, emulated);
    const next = await backAll(order, round, `round ${round}, next hour`, say);
    rounds.push({ first, next });
    if (round < wanted) for (const { name } of sides) await buckets.remove(bucketOf(name, round));
  }
  const last = rounds.length;
  const oneSession = fleet.sessions[0];
  if (oneSession === undefined) throw new Error('there is no session to restore');
  const one = `workspace_${oneSession.workspace}`;
  // Restores leave what they replaced in the trash.
  const share = await sizeOf(fleet.sessionPath);
  const restores = {
    wharf: await ownRestores(fleet, say),
    tar: await tar.restore(bucketOf('tar', last), one),
    restic: await restic.restore(bucketOf('restic', last), one),
  };
  return { rounds, share, busy, restores };
}

async function backAll(
  sides: readonly Side[],
  round: number,
  what: string,
  say: (text: string) => void,
): Promise<BySide<Made>> {
  const made: BySide<Made> = {};
  for (const side of sides) {
    const result = await side.back(bucketOf(side.name, round));
    made[side.name] = result;
    say(
      `${what}: ${side.name} ${result.wall.toFixed(1)} s, ${result.cpu.toFixed(1)} s of CPU, ${(result.sent / 1e6).toFixed(1)} MB`,
    );
  }
  return made;
}

/** Has those read back what they sent that do not do so by themselves. */
async function proveAll(
  sides: readonly Side[],
  round: number,
  made: BySide<Made>,
  say: (text: string) => void,
): Promise<void> {
  for (const side of sides) {
    const result = made[side.name];
    const proof = await side.prove?.(bucketOf(side.name, round));
    if (result === undefined || proof === undefined) continue;
    result.proof = proof;
    say(
      `round ${round}: ${side.name} reads it back in ${proof.wall.toFixed(1)} s, ${proof.cpu.toFixed(1)} s of CPU`,
    );
  }
}

/** How often one session is restored; the middle counts. */
const RESTORES_OF_ONE = 5;

async function ownRestores(
  fleet: BackupFleet,
  say: (text: string) => void,
): Promise<{ one: OwnRestore[]; all: OwnRestore }> {
  const one: OwnRestore[] = [];
  for (const { workspace, session } of fleet.sessions.slice(0, RESTORES_OF_ONE))
    one.push(await restored(fleet, { workspace_id: workspace, session_id: session }, [session]));
  say(`one session restored and ready: ${one.map(({ ready }) => ready.toFixed(1)).join(', ')} s`);
  const all = await restored(
    fleet,
    {},
    fleet.sessions.map(({ session }) => session),
  );
  say(`all restored: ${all.done.toFixed(1)} s, ready after ${all.ready.toFixed(1)} s`);
  return { one, all };
}

async function restored(
  fleet: BackupFleet,
  request: Record<string, string>,
  sessions: readonly string[],
): Promise<OwnRestore> {
  const began = performance.now();
  const restore: Restore = await fleet.restore(request);
  const done = (performance.now() - began) / 1000;
  if (restore.state !== 'done')
    throw new Error(
      `the restore ended as ${restore.state}: ${JSON.stringify(restore.sessions.filter(({ state }) => state !== 'restored'))}`,
    );
  const statuses = await fleet.settled(sessions);
  const others = [...statuses].filter(([, status]) => status !== 'ready');
  if (others.length > 0) throw new Error(`not ready after the restore: ${JSON.stringify(others)}`);
  return { done, ready: (performance.now() - began) / 1000 };
}

function bucketOf(side: string, round: number): string {
  return `${side}-round-${round}`;
}

async function sizeOf(share: string): Promise<{ bytes: number; files: number }> {
  const entries = await readdir(share, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      // A browser may remove one of its files at any moment.
      .map((entry) =>
        stat(join(entry.parentPath, entry.name)).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
  );
  return { bytes: sizes.reduce((sum, size) => sum + size, 0), files: sizes.length };
}
