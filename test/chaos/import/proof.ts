import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pMap from 'p-map';
import { z } from 'zod';
import { readEnv } from '../../../common/env.ts';
import { phoneNumber } from '../../bench/support/phones.ts';
import { EmulatedPhones, historyOf } from '../backups/emulated.ts';
import { BackupFleet } from '../backups/fleet.ts';
import { PlainClient } from './plain-clients.ts';

/** What is proven. */
export interface ImportProofOptions {
  sessions: number;
  /** Megabytes of history each account is linked with. */
  megabytes: number;
  say: (text: string) => void;
}

/** What came of it. */
export interface ImportFindings {
  /** Of those that were in use while it was tried: how many the dry run refused. */
  refusedInUse: number;
  /** Clients that were ended with SIGKILL. */
  killed: number;
  tornLogs: number;
  ready: number;
  /** QR codes that WhatsApp was asked for from the import on. */
  qrAsked: number;
  /** Of the imported, the accounts that are the right ones. */
  rightNumbers: number;
  /** Sessions that sent a message, and whose phone has it. */
  sent: number;
  /** What the same command did again. */
  importedAgain: number;
  /** Ready after the instances were stopped and started once more: a torn log loses a session at its second start. */
  readyAfterRestart: number;
  originalsChanged: number;
  /** From the command's start to its end, seconds. */
  seconds: number;
}

const MAIN = new URL(
  import.meta.url.endsWith('.js') ? '../../../cli/main.js' : '../../../dist/cli/main.js',
  import.meta.url,
);

const answerSchema = z.object({
  sessions: z.array(
    z.object({
      client_id: z.string(),
      action: z.string(),
      refusal: z.string().nullable(),
      outcome: z.string().optional(),
      status: z.string().nullish(),
      phone_number: z.string().nullish(),
      torn_logs: z.number().optional(),
      error: z.object({ code: z.string(), detail: z.string() }).nullish(),
    }),
  ),
});
type Answer = z.infer<typeof answerSchema>;

/** Clients linked at one time; two cores start them one after another anyhow. */
const AT_ONCE = 4;

/**
 * Accounts that were linked by plain whatsapp-web.js clients, which end well or by SIGKILL, become sessions of a fleet that runs: all ready, no QR, also after the next
 * start.
 */
export async function proveImport(options: ImportProofOptions): Promise<ImportFindings> {
  const directory = await mkdtemp(join(tmpdir(), 'wharf-import-'));
  const emulated = await EmulatedPhones.start(historyOf(options.megabytes));
  const clients: PlainClient[] = [];
  const source = join(directory, '.wwebjs_auth');
  try {
    await mkdir(source);
    // The fleet starts while the clients are linked; where one of the two fails, the other is awaited, so that it can be ended.
    const [started, linked] = await Promise.allSettled([
      BackupFleet.start({ directory: join(directory, 'fleet'), emulated, instances: 2, store: null }),
      linkClients(options.sessions, { source, emulated, clients }),
    ]);
    if (started.status === 'rejected') throw started.reason;
    const fleet = started.value;
    try {
      if (linked.status === 'rejected') throw linked.reason;
      const killed = linked.value;
      options.say(
        `${options.sessions} plain clients are linked; all but one have ended, ${killed} of them by SIGKILL`,
      );
      return { killed, ...(await prove(options, { directory, source, emulated, fleet, clients })) };
    } finally {
      await fleet.close();
    }
  } finally {
    for (const client of clients) await client.kill();
    await emulated.stop();
    await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

/** Where the clients of before are. */
interface Before {
  /** LocalAuth's data path. */
  source: string;
  emulated: EmulatedPhones;
  /** Those that run. */
  clients: PlainClient[];
}

/** Links plain clients and ends all but the first, which still runs when this resolves. Answers how many were ended by SIGKILL. */
async function linkClients(sessions: number, { source, emulated, clients }: Before): Promise<number> {
  const link = async (index: number) => {
    const names = {
      clientId: clientIdOf(index),
      phone: phoneNumber(index),
      chat: phoneNumber(900_000 + index),
    };
    clients.push(await PlainClient.link(emulated, { ...names, dataPath: source }));
  };
  // Where one fails, none is left on its way: all are ended then.
  await pMap(range(sessions).slice(1), link, { concurrency: AT_ONCE, stopOnError: false });
  let killed = 0;
  await pMap(clients.splice(0), async (client, index) => {
    if (index % 3 === 2) return await client.stop();
    killed += 1;
    return await client.kill();
  });
  // It runs while the import is first tried.
  await link(0);
  return killed;
}

interface Stage extends Before {
  directory: string;
  fleet: BackupFleet;
}

async function prove(
  { sessions, say }: ImportProofOptions,
  { directory, source, emulated, fleet, clients }: Stage,
): Promise<Omit<ImportFindings, 'killed'>> {
  const numbers = range(sessions);
  const map = join(directory, 'map.csv');
  await writeFile(map, mappingOf(numbers));
  const wharf = (...more: string[]) =>
    runImport(fleet, [source, '--map', map, '--state', join(directory, 'state.json'), '--yes', ...more]);
  const refusedInUse = (await wharf('--dry-run')).sessions.filter(({ refusal }) =>
    refusal?.includes('has it open'),
  ).length;
  await clients.splice(0)[0]?.stop();

  const before = await hashesOf(source);
  const position = await emulated.position();
  const began = performance.now();
  const answer = await wharf();
  const seconds = (performance.now() - began) / 1000;
  say(`imported in ${seconds.toFixed(1)} s`);
  const failed = answer.sessions.filter(({ status }) => status !== 'ready');
  if (failed.length > 0) say(JSON.stringify(failed));
  const wanted = numbers.map(clientIdOf);
  const rightNumbers = answer.sessions.filter(
    ({ client_id, phone_number }) => phone_number === phoneNumber(wanted.indexOf(client_id)),
  ).length;
  const sent = await sendFromAll(fleet, emulated, numbers);
  const again = await wharf();
  await fleet.restartInstances();
  const statuses = await fleet.settled(wanted);
  const after = await hashesOf(source);
  return {
    refusedInUse,
    tornLogs: answer.sessions.reduce((sum, { torn_logs = 0 }) => sum + torn_logs, 0),
    ready: answer.sessions.length - failed.length,
    qrAsked: await emulated.qrAsked(position),
    rightNumbers,
    sent,
    importedAgain: again.sessions.filter(({ action }) => action !== 'done').length,
    readyAfterRestart: [...statuses.values()].filter((status) => status === 'ready').length,
    originalsChanged: [...new Set([...before.keys(), ...after.keys()])].filter(
      (path) => before.get(path) !== after.get(path),
    ).length,
    seconds,
  };
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}

function clientIdOf(index: number): string {
  return `shop_${index}`;
}

/** Three workspaces have them all. */
function mappingOf(numbers: readonly number[]): string {
  const lines = numbers.map((index) => `${clientIdOf(index)},${index % 3},"account ""${index}"""`);
  return `client_id,workspace_id,account_id\n${lines.join('\n')}\n`;
}

/** What `wharf import --json` printed, whatever its exit code. */
async function runImport(fleet: BackupFleet, args: string[]): Promise<Answer> {
  const { url, key } = fleet.access;
  const said = await new Promise<{ out: string; err: string }>((resolve) => {
    execFile(
      process.execPath,
      [fileURLToPath(MAIN), 'import', ...args, '--json'],
      {
        env: { ...readEnv(), WHARF_URL: url, WHARF_API_KEY: key, WHATSAPP_SESSION_PATH: fleet.sessionPath },
        maxBuffer: 64 * 2 ** 20,
      },
      (_error, out, err) => resolve({ out, err }),
    );
  });
  if (said.out === '') throw new Error(`wharf import printed nothing:\n${said.err}`);
  return answerSchema.parse(JSON.parse(said.out));
}

async function sendFromAll(
  fleet: BackupFleet,
  emulated: EmulatedPhones,
  numbers: readonly number[],
): Promise<number> {
  const sent = await pMap(
    numbers,
    async (index) => {
      const session = clientIdOf(index);
      const to = phoneNumber(900_000 + index);
      const text = `sent by Wharf from ${session}`;
      await fleet.ask('POST', `/api/whatsapp/sessions/${session}/messages?wait=30`, { to, text });
      const { sent } = await emulated.ask('GET', `/sent?phone=${phoneNumber(index)}`);
      return JSON.stringify(sent).includes(text);
    },
    { concurrency: AT_ONCE },
  );
  return sent.filter(Boolean).length;
}

/** Contents of all files below, but for what LevelDB makes of a lock that is looked at. */
async function hashesOf(directory: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    found.set(
      path,
      createHash('sha256')
        .update(await readFile(path))
        .digest('hex'),
    );
  }
  return found;
}
