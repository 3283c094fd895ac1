import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Conversations } from './conversations.ts';
import { EmulatedPhones, historyOf } from './emulated.ts';
import { BackupFleet } from './fleet.ts';
import { Requests } from './requests.ts';
import { wharf } from './wharf-command.ts';

/** What is proven. */
export interface RestoresProofOptions {
  sessions: number;
  /** Megabytes of history each account is linked with. */
  megabytes: number;
  /** How often one session is restored while the others answer. */
  restores: number;
  /** Seconds from the emptied storage until somebody restores. */
  unnoticed: number;
  say: (text: string) => void;
}

/** What came of it; times in seconds. */
export interface RestoresFindings {
  /** From the request to ready, of each restore of one session. */
  one: number[];
  requests: number;
  failed: Record<string, number>;
  /**
   * From `wharf restore` after the storage was emptied until it had ended, and until the last session was ready. `qrAskedBefore`: QR codes asked for before it began, by
   * sessions that found nothing.
   */
  wiped: { done: number; ready: number; notReady: string[]; qrAskedBefore: number; qrAsked: number };
  /** Sessions that sent a message afterwards, and were sent one. */
  sentAfterwards: number;
}

/** Milliseconds in which messages pass before a backup. */
const TALK = 4000;

/** Restores into a fleet that runs: one session while the others work, then everything after its storage was emptied under it. */
export async function proveRestores(options: RestoresProofOptions): Promise<RestoresFindings> {
  const directory = await mkdtemp(join(tmpdir(), 'wharf-restores-'));
  const store = { BACKUP_DIRECTORY: join(directory, 'store') };
  await mkdir(store.BACKUP_DIRECTORY, { mode: 0o700 });
  const emulated = await EmulatedPhones.start(historyOf(options.megabytes));
  try {
    const fleet = await BackupFleet.start({
      directory: join(directory, 'fleet'),
      emulated,
      instances: 2,
      store,
    });
    try {
      await fleet.link(options.sessions);
      options.say(`${options.sessions} sessions are linked`);
      await talkAndBackUp(fleet, emulated);
      const one = await restoreOneByOne(fleet, options);
      await talkAndBackUp(fleet, emulated);
      const wiped = await wipeAndRestore(fleet, emulated, options);
      const sentAfterwards = await sendFromAll(fleet);
      return { ...one, wiped, sentAfterwards };
    } finally {
      await fleet.close();
    }
  } finally {
    await emulated.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function talkAndBackUp(fleet: BackupFleet, emulated: EmulatedPhones): Promise<void> {
  const conversations = new Conversations(fleet, emulated, 500);
  conversations.begin();
  await sleep(TALK);
  await fleet.backup();
  await conversations.end();
}

async function restoreOneByOne(
  fleet: BackupFleet,
  { restores, say }: RestoresProofOptions,
): Promise<Pick<RestoresFindings, 'one' | 'requests' | 'failed'>> {
  const [chosen, ...others] = fleet.sessions;
  if (chosen === undefined) throw new Error('there is no session to restore');
  const requests = new Requests(fleet, others);
  const one: number[] = [];
  for (let round = 0; round < restores; round += 1) {
    await sleep(1000);
    const began = performance.now();
    const restore = await fleet.restore({ workspace_id: chosen.workspace, session_id: chosen.session });
    if (restore.state !== 'done')
      throw new Error(`the restore is ${restore.state}: ${JSON.stringify(restore.sessions)}`);
    const statuses = await fleet.settled([chosen.session]);
    if (statuses.get(chosen.session) !== 'ready')
      throw new Error(`the restored session is ${statuses.get(chosen.session)}`);
    one.push((performance.now() - began) / 1000);
    say(`one session restored: ready after ${one.at(-1)?.toFixed(1)} s`);
  }
  await requests.end();
  say(`of the others ${requests.made} requests, ${requests.failures} failed`);
  return { one, requests: requests.made, failed: requests.failed };
}

async function wipeAndRestore(
  fleet: BackupFleet,
  emulated: EmulatedPhones,
  { unnoticed, say }: RestoresProofOptions,
): Promise<RestoresFindings['wiped']> {
  const emptied = await emulated.position();
  for (const name of await readdir(fleet.sessionPath))
    await rm(join(fleet.sessionPath, name), { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  say('the storage is empty');
  await sleep(unnoticed * 1000);
  const qrAskedBefore = await emulated.qrAsked(emptied);
  const since = await emulated.position();
  const began = performance.now();
  await wharf(fleet.access, 'restore', '--yes', '--json');
  const done = (performance.now() - began) / 1000;
  const statuses = await fleet.settled(fleet.sessions.map(({ session }) => session));
  const ready = (performance.now() - began) / 1000;
  const notReady = [...statuses]
    .filter(([, status]) => status !== 'ready')
    .map(([session, status]) => `${session}: ${status}`);
  const qrAsked = await emulated.qrAsked(since);
  say(
    `restored after ${done.toFixed(1)} s, all ready after ${ready.toFixed(1)} s; not ready: ${notReady.length}`,
  );
  return { done, ready, notReady, qrAskedBefore, qrAsked };
}

/** Each session sends a message; how many came to WhatsApp. */
async function sendFromAll(fleet: BackupFleet): Promise<number> {
  const answers = await Promise.all(
    fleet.sessions.map(({ workspace, session, phone }) =>
      fleet.ask('POST', `/api/whatsapp/sessions/${session}/messages?workspace_id=${workspace}&wait=60`, {
        to: `49180${phone.slice(-7)}`,
        text: `${session} is back`,
      }),
    ),
  );
  return answers.filter((answer) => answer.kind === 'answered' && answer.status === 200).length;
}
