import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { quantile } from '../../bench/support/statistics.ts';
import type { ProvenSession } from '../messages/fleet.ts';
import { Conversations } from './conversations.ts';
import { EmulatedPhones, historyOf } from './emulated.ts';
import { BackupFleet } from './fleet.ts';
import { LibraryStart } from './library-start.ts';
import { oneRound, type Round } from './rounds.ts';
import { type Started, Starts } from './starts.ts';

/** What is proven. */
export interface BackupsProofOptions {
  sessions: number;
  /** Backups that are made while messages go both ways. */
  rounds: number;
  /** Milliseconds in which messages pass before each backup. */
  gap: number;
  /** Megabytes of history each account is linked with. */
  megabytes: number;
  /** Milliseconds between two messages of a session. */
  pause: number;
  /** Also start the tars, and by plain whatsapp-web.js too. */
  tars: boolean;
  say: (text: string) => void;
}

/** What came of it. */
export interface BackupsFindings {
  rounds: Round[];
  messages: { out: number; in: number };
  /** Of each round. */
  backups: Started[];
  tarsByLibrary: Started[];
  tars: Started[];
}

/** Milliseconds the emulated sync takes: what is shorter makes the library miss its end, which has nothing to do with what it starts from. */
const SYNC = 1000;

/**
 * Backups in a loop while messages go both ways, a tar of the live share beside each; then each archive of both is started from where nothing else
 * of the first fleet is left.
 */
export async function proveBackups(
  options: BackupsProofOptions,
  signal: AbortSignal,
): Promise<BackupsFindings> {
  const directory = await mkdtemp(join(tmpdir(), 'wharf-backups-'));
  const store = { BACKUP_DIRECTORY: join(directory, 'store') };
  await mkdir(store.BACKUP_DIRECTORY, { mode: 0o700 });
  const emulated = await EmulatedPhones.start(historyOf(options.megabytes));
  try {
    const made = await makeBackups(options, { directory, store, emulated }, signal);
    await emulated.ask('POST', '/config', { sync_delay_ms: SYNC });
    const parts = { directory, emulated, store, sessions: made.sessions, say: options.say };
    const started = await startAll(options, new Starts(parts), emulated, made.rounds, signal);
    return { rounds: made.rounds, messages: made.messages, ...started };
  } finally {
    await emulated.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function makeBackups(
  { sessions, rounds: wanted, pause, gap, tars, say }: BackupsProofOptions,
  {
    directory,
    store,
    emulated,
  }: { directory: string; store: Record<string, string>; emulated: EmulatedPhones },
  signal: AbortSignal,
): Promise<{ rounds: Round[]; messages: { out: number; in: number }; sessions: readonly ProvenSession[] }> {
  const fleet = await BackupFleet.start({
    directory: join(directory, 'first'),
    emulated,
    instances: 2,
    store,
  });
  try {
    await fleet.link(sessions);
    say(`${sessions} sessions are linked`);
    const conversations = new Conversations(fleet, emulated, pause);
    conversations.begin();
    const rounds: Round[] = [];
    while (rounds.length < wanted && !signal.aborted) {
      await sleep(gap, undefined, { signal }).catch(() => {});
      const round = await oneRound(fleet, tars ? join(directory, 'tars') : null, rounds.length + 1);
      rounds.push(round);
      say(
        `backup ${rounds.length} of ${wanted}: ${round.backup}, frozen at most ${Math.max(...round.frozen)} ms${round.tar_complained ? '; tar saw files change' : ''}`,
      );
    }
    await conversations.end();
    return {
      rounds,
      messages: { out: conversations.out, in: conversations.in },
      sessions: [...fleet.sessions],
    };
  } finally {
    await fleet.close();
  }
}

async function startAll(
  { tars: withTars, say }: BackupsProofOptions,
  starts: Starts,
  emulated: EmulatedPhones,
  rounds: readonly Round[],
  signal: AbortSignal,
): Promise<Pick<BackupsFindings, 'backups' | 'tars' | 'tarsByLibrary'>> {
  const found = { backups: [] as Started[], tars: [] as Started[], tarsByLibrary: [] as Started[] };
  const library = withTars ? await LibraryStart.make(emulated) : undefined;
  const tell = (what: string, { first, second, qr, others }: Started) =>
    say(
      `${what}: ready ${first}, once more ${second}, QR ${qr}${others.length > 0 ? `; ${others.join(', ')}` : ''}`,
    );
  try {
    for (const [index, { backup, tar }] of rounds.entries()) {
      if (signal.aborted) break;
      const restored = await starts.fromBackup(backup);
      found.backups.push(restored);
      tell(`backup ${index + 1}`, restored);
      if (library === undefined || tar === null) continue;
      const byLibrary = await starts.fromTarByLibrary(tar, library);
      found.tarsByLibrary.push(byLibrary);
      tell(`tar ${index + 1}, plain library`, byLibrary);
      const byWharf = await starts.fromTar(tar);
      found.tars.push(byWharf);
      tell(`tar ${index + 1}, Wharf`, byWharf);
    }
    return found;
  } finally {
    await library?.stop();
  }
}

/** The figures by the names that others read. */
export function figuresOf(findings: BackupsFindings, sessions: number): Record<string, number> {
  const frozen = findings.rounds.flatMap((round) => round.frozen);
  const total = (starts: readonly Started[], pick: (started: Started) => number) =>
    starts.reduce((sum, started) => sum + pick(started), 0);
  const both = ({ first, second }: Started) => Math.min(first, second);
  return {
    archives: findings.backups.length * sessions,
    restored: total(findings.backups, both),
    qr_asked: total(findings.backups, ({ qr }) => qr),
    tar_archives: findings.tarsByLibrary.length * sessions,
    tar_restored: total(findings.tarsByLibrary, both),
    tar_ready_first: total(findings.tarsByLibrary, ({ first }) => first),
    tar_ready_second: total(findings.tarsByLibrary, ({ second }) => second),
    tar_qr_asked: total(findings.tarsByLibrary, ({ qr }) => qr),
    tar_restored_with_repair: total(findings.tars, both),
    tar_complained: findings.rounds.filter((round) => round.tar_complained).length,
    frozen_ms_p50: quantile(frozen, 0.5),
    frozen_ms_p99: quantile(frozen, 0.99),
    frozen_ms_max: Math.max(...frozen),
    profile_mb: Math.round((findings.rounds.at(-1)?.bytes ?? 0) / sessions / 1e5) / 10,
    messages: findings.messages.out + findings.messages.in,
  };
}
