import { setTimeout as sleep } from 'node:timers/promises';
import { phoneNumber } from '../support/phones.ts';
import { type FailoverFleet, type SeenConnection, signal } from './fleet.ts';

/** What the loss of a host cost, seconds from the moment it was lost. */
export interface Loss {
  /** Until the leader had concluded that it is dead. */
  noticed: number;
  /** Until the first of its sessions was ready elsewhere, and the last. */
  first: number;
  all: number;
}

/** What requests came to while something went on. */
export interface Load {
  requests: number;
  /** The answers that were no success, by status and code, with the first of each. */
  failed: Record<string, number>;
}

const other = (id: string) => (id === 'instance-1' ? 'instance-2' : 'instance-1');
const since = (at: number) => (Date.now() - at) / 1000;

/** Loses the host that has all sessions, waits until they are elsewhere, and brings the host back empty. Answers where the sessions are now. */
export async function loseHost(fleet: FailoverFleet, from: string): Promise<{ loss: Loss; now: string }> {
  const to = other(from);
  const at = await fleet.lose(from);
  await fleet.until('its death is noticed', async () => (await fleet.verdict(from)) === 'dead');
  const noticed = since(at);
  const readyThere = async () => (await fleet.ready()).filter(({ instance }) => instance === to).length;
  await fleet.until('one is ready elsewhere', async () => (await readyThere()) > 0);
  const first = since(at);
  await fleet.until('all are ready elsewhere', async () => (await readyThere()) === fleet.sessions.length);
  const all = since(at);
  await fleet.startInstance(from);
  return { loss: { noticed, first, all }, now: to };
}

/**
 * Stops everything of the host that has the sessions, lets it go on when they are elsewhere, and says for how long after a session's new
 * browser had logged in its old one still sent something, seconds.
 */
export async function stopHost(
  fleet: FailoverFleet,
  from: string,
): Promise<{ overlap: number; now: string }> {
  const to = other(from);
  const pids = await fleet.tree(from);
  for (const pid of pids) signal(pid, 'SIGSTOP');
  await fleet.until('all are ready elsewhere', async () => {
    const ready = await fleet.ready();
    return ready.length === fleet.sessions.length && ready.every(({ instance }) => instance === to);
  });
  for (const pid of pids) signal(pid, 'SIGCONT');
  await fleet.until(`${from} is back`, async () => (await fleet.verdict(from)) === 'healthy');
  return { overlap: await overlapOf(fleet), now: to };
}

/** Kills the instance's process alone; seconds until all sessions are ready again where they were. */
export async function killProcess(fleet: FailoverFleet, id: string): Promise<number> {
  const epoch = Math.max(...(await fleet.list()).map((session) => session.epoch));
  const at = Date.now();
  signal(await fleet.process(id), 'SIGKILL');
  await fleet.until('all are ready again in place', async () => {
    const ready = await fleet.ready();
    return (
      ready.length === fleet.sessions.length &&
      ready.every((session) => session.epoch > epoch && session.instance === id)
    );
  });
  return since(at);
}

/** Drains the instance that has the sessions while requests come. */
export async function drain(fleet: FailoverFleet, from: string) {
  const gaps = await gapsDuring(fleet, async () => {
    const at = Date.now();
    const load = await underLoad(fleet, async () => {
      await fleet.api('POST', `/api/fleet/instances/${from}/drain`);
      await fleet.until(
        'it is empty',
        async () =>
          (await fleet.ready()).filter(({ instance }) => instance !== from).length === fleet.sessions.length,
      );
    });
    return { load, seconds: since(at) };
  });
  await fleet.api('DELETE', `/api/fleet/instances/${from}/drain`);
  return { ...gaps, now: other(from) };
}

/** Empties Redis while requests come. */
export async function flush(fleet: FailoverFleet) {
  const before = (await fleet.list()).map(({ session_id, epoch }) => `${session_id}@${epoch}`).sort();
  const load = await underLoad(fleet, async () => {
    await sleep(2000);
    await fleet.emptyRedis();
    await sleep(20_000);
  });
  const ready = await fleet.ready();
  const after = (await fleet.list()).map(({ session_id, epoch }) => `${session_id}@${epoch}`).sort();
  return {
    load,
    lost: fleet.sessions.length - ready.length,
    moved: before.filter((each, index) => each !== after[index]).length,
  };
}

/** QR codes that browsers of this fleet were given since a moment of the emulator's log. */
export async function qrAsked(fleet: FailoverFleet, after: number): Promise<number> {
  return (await logOf(fleet, `event=ref&after=${after}`)).entries.length;
}

/** Where the emulator's log stands. */
export async function logPosition(fleet: FailoverFleet): Promise<number> {
  return (await logOf(fleet, 'limit=1')).lastId;
}

async function underLoad(fleet: FailoverFleet, task: () => Promise<void>): Promise<Load> {
  const load: Load = { requests: 0, failed: {} };
  let over = false;
  const ask = async (method: string, path: string, body?: unknown) => {
    load.requests += 1;
    const answer = await fleet
      .call(method, path, body)
      .catch((error: unknown) => ({ ok: false, status: 0, text: String(error) }));
    if (answer.ok) return;
    const code = /"code":"(\w+)"/.exec(answer.text)?.[1] ?? answer.text.slice(0, 80);
    const name = `${method} ${path.split('/').pop()?.split('?')[0] ?? ''}: ${answer.status} ${code}`.replace(
      /s\d+:/,
      'session:',
    );
    load.failed[name] = (load.failed[name] ?? 0) + 1;
  };
  const client = async (index: number) => {
    for (let round = 0; !over; round += 1) {
      const session = fleet.sessions[(index + round * 5) % fleet.sessions.length] ?? 's0';
      await ask('GET', `/api/whatsapp/sessions/${session}`);
      await ask('POST', `/api/whatsapp/sessions/${session}/messages`, {
        to: phoneNumber(9000),
        text: `${index}-${round}`,
      });
      await sleep(100);
    }
  };
  const clients = [0, 1, 2, 3, 4].map(client);
  await task();
  over = true;
  await Promise.all(clients);
  return load;
}

/** How long each session's account was without a connection meanwhile, milliseconds. */
async function gapsDuring<T>(fleet: FailoverFleet, task: () => Promise<T>): Promise<T & { gaps: number[] }> {
  const known = new Set((await fleet.connections()).map(({ connection }) => connection));
  const before = new Map((await loggedIn(fleet)).map((each) => [each.device, each]));
  const result = await task();
  const fresh = (await loggedIn(fleet)).filter(({ connection }) => !known.has(connection));
  const gaps = fresh.flatMap((after) => {
    const old = before.get(after.device)?.connection;
    return old === undefined ? [] : [{ old, after }];
  });
  const all = new Map((await fleet.connections()).map((each) => [each.connection, each]));
  return {
    ...result,
    gaps: gaps.map(
      ({ old, after }) => (after.logged_in_mono_ms ?? 0) - (all.get(old)?.disconnected_mono_ms ?? 0),
    ),
  };
}

async function loggedIn(fleet: FailoverFleet): Promise<SeenConnection[]> {
  return (await fleet.connections()).filter(
    ({ logged_in_mono_ms, disconnected_mono_ms }) =>
      logged_in_mono_ms !== null && disconnected_mono_ms === null,
  );
}

/** The longest time, seconds, that a connection sent after a later one of its device had logged in. */
async function overlapOf(fleet: FailoverFleet): Promise<number> {
  const connections = (await fleet.connections()).filter(
    ({ logged_in_mono_ms }) => logged_in_mono_ms !== null,
  );
  const { entries } = await logOf(fleet, 'limit=100000');
  let longest = 0;
  for (const late of connections) {
    const successor = connections.find(
      ({ device, connection }) => device === late.device && connection > late.connection,
    );
    const from = successor?.logged_in_mono_ms;
    if (from === undefined || from === null) continue;
    const sent = entries.filter(
      ({ connection, mono_ms, event }) => connection === late.connection && mono_ms > from && SENT.has(event),
    );
    for (const { mono_ms } of sent) longest = Math.max(longest, (mono_ms - from) / 1000);
  }
  return longest;
}

/** What a device does, not what is done to it. */
const SENT = new Set([
  'sent',
  'sent_again',
  'receipt',
  'seen',
  'stored',
  'query',
  'keys',
  'login',
  'upload',
  'synced',
]);

interface LogEntry {
  event: string;
  mono_ms: number;
  connection?: number;
}

async function logOf(fleet: FailoverFleet, query: string): Promise<{ lastId: number; entries: LogEntry[] }> {
  const answer = await fetch(`${fleet.emulatorUrl}/log?${query}`);
  const { last_id, log } = (await answer.json()) as { last_id: number; log: LogEntry[] };
  return { lastId: last_id, entries: log };
}
