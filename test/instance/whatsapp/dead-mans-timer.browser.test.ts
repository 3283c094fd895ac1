import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { JournalEntry } from '../../../emulator/server/journal.ts';
import type { WhatsAppClient } from '../../../instance/whatsapp/client.ts';
import type { EmulatedWhatsApp } from '../../helpers/emulated-whatsapp.ts';
import { eventually } from '../../helpers/eventually.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { emulatedWhatsApp, linkClient, watchedClient } from './quirks/setup.ts';

const PHONE = '491700000090';
const FRIEND = '491700000091';

/** How long the authority lasts in these tests, and how often it is proved, milliseconds. */
const LASTS = 4000;
const PROVED = 500;

/** A linked client that is given a little more authority again and again. */
async function linked() {
  const whatsapp = await emulatedWhatsApp();
  let until = performance.now() + LASTS;
  const left = () => Math.max(0, until - performance.now());
  const watched = await watchedClient(whatsapp, await temporaryDirectory(), {}, left);
  const proofs = setInterval(() => {
    until = performance.now() + LASTS;
    watched.client.feed();
  }, PROVED);
  const stopProofs = () => {
    clearInterval(proofs);
    return until;
  };
  onTestFinished(() => void stopProofs());
  await linkClient(whatsapp, watched, PHONE);
  const signal = (name: NodeJS.Signals) => process.kill(-Number(watched.client.browserPid), name);
  return { whatsapp, watched, client: watched.client, stopProofs, signal };
}

async function log(whatsapp: EmulatedWhatsApp, after = 0): Promise<JournalEntry[]> {
  return (await whatsapp.get<{ log: JournalEntry[] }>(`/log?after=${after}&limit=100000`)).log;
}

async function lastId(whatsapp: EmulatedWhatsApp): Promise<number> {
  return (await whatsapp.get<{ last_id: number }>('/log?limit=1')).last_id;
}

interface Connection {
  connected_mono_ms: number;
  disconnected_mono_ms: number | null;
}

async function connections(whatsapp: EmulatedWhatsApp): Promise<Connection[]> {
  return (await whatsapp.get<{ connections: Connection[] }>('/connections')).connections;
}

async function open(whatsapp: EmulatedWhatsApp): Promise<number> {
  return (await connections(whatsapp)).filter((each) => each.disconnected_mono_ms === null).length;
}

/** Sends a text under an id of its own, whatever the queue says. */
function sendText(client: WhatsAppClient, text: string): Promise<string> {
  const key = `3EB0${randomBytes(9).toString('hex').toUpperCase()}`;
  return client.send({ to: `${FRIEND}@c.us`, text }, key, async () => true);
}

/** What a page did by sending something. */
const SERVER_ITSELF = new Set(['disconnect', 'command', 'queued', 'delivered', 'socket_dropped', 'config']);
const deeds = (entries: JournalEntry[]) => entries.filter(({ event }) => !SERVER_ITSELF.has(event));

describe("a page's dead man's timer, in a browser", () => {
  it('lets it be while it is fed, also when it loads itself anew', async () => {
    const { whatsapp, watched, client } = await linked();
    await sleep(1.5 * LASTS);
    expect(await open(whatsapp)).toBe(1);
    expect(await sendText(client, 'first')).toContain(FRIEND);
    await whatsapp.post('/crash', { phone: PHONE, action: 'reload' });
    await eventually(() => watched.ready.length === 2);
    await sleep(1.5 * LASTS);
    expect(await open(whatsapp)).toBe(1);
    expect(await sendText(client, 'second')).toContain(FRIEND);
    expect(watched.losses).toEqual([]);
  });

  it('ends its connection for good when it is fed no more', async () => {
    const { whatsapp, stopProofs } = await linked();
    const until = stopProofs();
    await eventually(async () => (await open(whatsapp)) === 0);
    const ended = Math.max(...(await connections(whatsapp)).map((each) => each.disconnected_mono_ms ?? 0));
    console.log(`left ${Math.round(ended - until)} ms after its authority ran out`);
    expect(ended).toBeGreaterThan(until - 1000);
    const after = await lastId(whatsapp);
    await sleep(2000);
    expect(await open(whatsapp)).toBe(0);
    expect(deeds(await log(whatsapp, after))).toEqual([]);
  });

  it('sends nothing any more where its processes were stopped beyond the authority and go on, though frames wait for an answer', async () => {
    const { whatsapp, client, stopProofs, signal } = await linked();
    signal('SIGSTOP');
    // What was asked of it while it stood still must not be done later.
    const send = sendText(client, 'too late').then(
      () => 'sent',
      () => 'not sent',
    );
    await whatsapp.post('/deliver', { phone: PHONE, from: FRIEND, body: 'are you there?' });
    const until = stopProofs();
    while (performance.now() < until + 500) await sleep(100);
    const after = await lastId(whatsapp);
    signal('SIGCONT');
    await eventually(async () => (await open(whatsapp)) === 0);
    await sleep(2000);
    expect(deeds(await log(whatsapp, after))).toEqual([]);
    expect(await open(whatsapp)).toBe(0);
    expect(await whatsapp.get(`/sent?phone=${PHONE}`)).toMatchObject({ total: 0 });
    await client.kill();
    expect(await send).toBe('not sent');
  });

  it('goes on where they were stopped for less, and the proofs went on', async () => {
    const { whatsapp, client, signal } = await linked();
    signal('SIGSTOP');
    await sleep(LASTS / 2);
    signal('SIGCONT');
    await sleep(LASTS);
    expect(await open(whatsapp)).toBe(1);
    expect(await sendText(client, 'still here')).toContain(FRIEND);
  });
});
