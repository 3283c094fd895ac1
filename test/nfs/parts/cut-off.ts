import { setTimeout as sleep } from 'node:timers/promises';
import type { LogState } from '../guest/logs.ts';
import type { Steps } from '../guest/takeover.ts';
import { SESSIONS } from '../machines/fleet.ts';
import type { Machine } from '../machines/machine.ts';
import { Worker } from '../machines/worker.ts';

const EVERY = 20;
const WAIT = 8000;
/** The owner writes so long before its cable is pulled. */
const BEFORE = 15_000;

export interface CutOff {
  /** Seconds without network. */
  away: number;
  steps: Steps;
  /** From the kill of the old owner's writer, while it was cut off, to its end, milliseconds; null: not before it came back. */
  killed_after: number | null;
  /** Lines of the dead generation's log: when it was copied, and at the end. The difference came late, from the dirty pages. */
  copied: number;
  in_dead_generation: number;
  /** Written by the old owner in all. */
  written: number;
  /** What the sync of the old owner's log answered after it was back. */
  late_sync: string;
  /** Files of the new generation that changed after they were adopted. */
  changed: string[];
  /** The new owner's own log in the new generation: lines it wrote, faults, who wrote in it. */
  new_log: LogState;
  /** The first look of the old owner after it was back: the epoch it saw, and how long it took, milliseconds. */
  old_owner_sees: number | null;
  old_owner_look: number;
  /** Whether the old owner could claim an epoch that was taken. */
  old_owner_won: boolean;
}

/**
 * The owner's cable is pulled while it has dirty pages; the other one takes over and writes; then the cable is put in again.
 *
 * @param away milliseconds without network, at least: it is not connected again before the takeover is done
 */
export async function cutOff(
  { owner, heir }: { owner: Machine; heir: Worker },
  { workspace, away }: { workspace: string; away: number },
): Promise<CutOff> {
  const call = { sessions: SESSIONS, workspace };
  const old = await Worker.start(owner);
  const doomed = await Worker.start(owner);
  try {
    const dead = await old.call<string>('beginSession', { ...call, instance: 'instance-1' });
    await old.call('readRecord', call);
    await old.call('highest', call);
    let written = 0;
    old
      .call(
        'writeLog',
        { path: `${dead}/000003.log`, writer: 'owner', every: EVERY, sync: 0 },
        (event: { written: number }) => {
          written = event.written;
        },
      )
      .catch(() => {});
    doomed
      .call('writeLog', { path: `${dead}/000004.log`, writer: 'doomed', every: EVERY, sync: 1000 })
      .catch(() => {});
    await sleep(BEFORE);
    await owner.cutOff();
    const cut = performance.now();
    await sleep(5000);
    const killed = await killTime(owner, doomed.pid);
    // As after a lease of 10 s.
    await sleep(Math.max(0, 10_000 - (performance.now() - cut)));
    const steps = await heir.call<Steps>('takeOver', { ...call, instance: 'instance-2', wait: WAIT });
    const adopted = await heir.call<string>('databaseDirectory', { ...call, generation: 2 });
    const atAdoption = await heir.call<Record<string, string>>('hashes', { directory: adopted });
    const copied = await heir.call<Record<string, LogState>>('readLogs', { directory: adopted });
    const writing = heir.call('writeLog', {
      path: `${adopted}/000009.log`,
      writer: 'heir',
      every: EVERY,
      sync: 1000,
    });
    await sleep(Math.max(0, away - (performance.now() - cut)));
    await owner.reconnect();
    const wasAway = Math.round((performance.now() - cut) / 1000);
    const asked = performance.now();
    const seen = await old.call<{ epoch: number | null }>('highest', call);
    const old_owner_look = Math.round(performance.now() - asked);
    const { won } = await old.call<{ won: boolean }>('claim', { ...call, epoch: 2, instance: 'instance-1' });
    await old.call('stopWriting', {});
    const late = await old.call<string | null>('syncFile', { path: `${dead}/000003.log` });
    await owner.sh('sync');
    // Its callbacks, renewals and write-backs are through by then.
    await sleep(10_000);
    await heir.call('stopWriting', {});
    await writing;
    const atTheEnd = await heir.call<Record<string, string>>('hashes', { directory: adopted });
    const inNew = await heir.call<Record<string, LogState>>('readLogs', { directory: adopted });
    const inDead = await heir.call<Record<string, LogState>>('readLogs', { directory: dead });
    return {
      away: wasAway,
      steps,
      killed_after: killed,
      copied: copied['000003.log']?.last ?? 0,
      in_dead_generation: inDead['000003.log']?.last ?? 0,
      written,
      late_sync: late ?? 'well',
      changed: Object.keys(atAdoption).filter((name) => atAdoption[name] !== atTheEnd[name]),
      new_log: inNew['000009.log'] ?? { last: 0, faults: 0, writers: [] },
      old_owner_sees: seen.epoch,
      old_owner_look,
      old_owner_won: won,
    };
  } finally {
    old.end();
    doomed.end();
  }
}

/** Kills a process of a machine, and answers how long it took to end, milliseconds; null when it was there after 15 s. */
async function killTime(machine: Machine, pid: number): Promise<number | null> {
  const script = `kill -9 ${pid}; start=$(date +%s%3N); for i in $(seq 150); do
    [ -e /proc/${pid} ] && ! grep -q '^State:.Z' /proc/${pid}/status || { echo $(( $(date +%s%3N) - start )); exit; }
    sleep 0.1; done; echo never`;
  const answer = await machine.sh(script);
  return answer === 'never' ? null : Number(answer);
}
