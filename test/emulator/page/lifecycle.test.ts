import { cp } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Client, Message } from 'whatsapp-web.js';
import { EmulatedWhatsApp, endClient, nextEvent } from '../../helpers/emulated-whatsapp.ts';
import { eventually } from '../../helpers/eventually.ts';

const ME = '491700000001';
const PEER = '491700000002';
const CHAT = `${PEER}@c.us`;

describe('the life of an emulated page', () => {
  let whatsApp: EmulatedWhatsApp;

  beforeEach(async () => {
    whatsApp = await EmulatedWhatsApp.start();
  });
  afterEach(() => whatsApp.close());

  async function linked(profile?: string): Promise<Client> {
    const client = await whatsApp.client(profile);
    await whatsApp.link(client, ME, 'Ada');
    return client;
  }

  function namesOf(client: Client, ...names: string[]): string[] {
    const heard: string[] = [];
    for (const name of names) client.on(name, (first: unknown) => heard.push(`${name} ${String(first)}`));
    return heard;
  }

  it('links by a pairing code', async () => {
    const client = await whatsApp.client(undefined, {
      pairWithPhoneNumber: { phoneNumber: ME, showNotification: true, intervalMs: 180_000 },
    });
    const code = nextEvent<[string]>(client, 'code');
    const ready = nextEvent(client, 'ready');
    await client.initialize();
    const [text] = await code;
    expect(text).toMatch(/^[1-9A-Z]{8}$/);
    await whatsApp.post('/enter-code', { code: text, phone: ME });
    await ready;
    expect(client.info.wid.user).toBe(ME);
  });

  it('shows a new QR as references rotate, stops when they run out, and goes on after refreshQR', async () => {
    await whatsApp.post('/config', { qr_ttl_ms: 400, qr_refs: 2 });
    const client = await whatsApp.client();
    const qrs: string[] = [];
    client.on('qr', (qr) => qrs.push(qr));
    await client.initialize();
    await eventually(async () => (await client.getState()) === 'UNPAIRED_IDLE');
    expect(qrs.length).toBe(2);
    await whatsApp.post('/config', { qr_ttl_ms: 60_000 });
    await client.pupPage?.evaluate(`window.require('WAWebLaunchSocketUtils').refreshQR()`);
    await eventually(() => qrs.length === 3);
    expect(new Set(qrs).size).toBe(3);
    const ready = nextEvent(client, 'ready');
    await whatsApp.post('/scan', { qr: qrs[2], phone: ME });
    await ready;
  });

  it('does not raise `message` for what came while it was away: the chat is unread', async () => {
    const profile = await whatsApp.profile();
    await endClient(await linked(profile));
    for (const body of ['one', 'two']) await whatsApp.post('/deliver', { phone: ME, from: PEER, body });
    const client = await whatsApp.client(profile);
    const heard = namesOf(client, 'message');
    await whatsApp.start(client);
    const chat = await client.getChatById(CHAT);
    expect(chat.unreadCount).toBe(2);
    expect((await chat.fetchMessages({ limit: 5 })).map(({ body }) => body)).toEqual(['one', 'two']);
    expect(heard).toEqual([]);
  });

  it('with a sync that takes no time, can be synced before the library listens: ready stays away until it is told', async () => {
    const profile = await whatsApp.profile();
    await endClient(await linked(profile));
    await whatsApp.post('/config', { sync_delay_ms: 0 });
    const client = await whatsApp.client(profile);
    let ready = 0;
    client.on('ready', () => {
      ready += 1;
    });
    await client.initialize();
    await eventually(() => client.pupPage?.evaluate(`window.require('WAWebSocketModel').Socket.hasSynced`));
    if (await client.pupPage?.evaluate(`!window.WWebJS`)) {
      await client.pupPage?.evaluate(`window.onAppStateHasSyncedEvent()`);
    }
    await eventually(() => ready === 1);
  });

  it('removed on the phone, command first: LOGOUT, then a new QR at post_logout=1', async () => {
    await whatsApp.post('/config', { logout_order: 'command_first' });
    const client = await linked();
    const heard = namesOf(client, 'disconnected', 'change_state');
    const qr = nextEvent<[string]>(client, 'qr');
    await whatsApp.post('/remove-device', { phone: ME });
    await qr;
    expect(heard).toEqual(['disconnected LOGOUT']);
    expect(client.pupPage?.url()).toContain('post_logout=1');
  });

  it('removed on the phone, state first: UNPAIRED, and the library closes the browser', async () => {
    await whatsApp.post('/config', { logout_order: 'state_first' });
    const client = await linked();
    const heard = namesOf(client, 'disconnected', 'change_state');
    await whatsApp.post('/remove-device', { phone: ME });
    await eventually(() => client.pupBrowser?.connected === false);
    expect(heard.slice(0, 2)).toEqual(['change_state UNPAIRED', 'disconnected UNPAIRED']);
  });

  it('removed while it was away: logged out at the next start, and a QR at the one after that', async () => {
    const profile = await whatsApp.profile();
    await endClient(await linked(profile));
    await whatsApp.post('/remove-device', { phone: ME });
    const first = await whatsApp.client(profile);
    // The library's injection is cut short when the page goes to post_logout=1.
    const started = first.initialize().catch(() => undefined);
    await eventually(() => first.pupPage?.url().includes('post_logout=1'));
    await started;
    await endClient(first);
    const client = await whatsApp.client(profile);
    const qr = nextEvent<[string]>(client, 'qr');
    await client.initialize();
    expect((await qr)[0].split(',')).toHaveLength(5);
  });

  it('hangs and crashes when it is told to: neither raises an event of the client', async () => {
    const client = await linked();
    const heard = namesOf(client, 'disconnected', 'change_state', 'auth_failure');
    await whatsApp.post('/crash', { phone: ME, action: 'hang' });
    const answer = client.getState().catch(() => undefined);
    const silence = new Promise((resolve) => setTimeout(() => resolve('silence'), 500));
    expect(await Promise.race([answer, silence])).toBe('silence');
    client.pupBrowser?.process()?.kill('SIGKILL');

    const other = await whatsApp.client();
    await whatsApp.link(other, PEER, 'Grace');
    const crashed = new Promise((resolve) => other.pupPage?.once('error', resolve));
    await whatsApp.post('/crash', { phone: PEER, action: 'crash' });
    expect(String(await crashed)).toContain('Page crashed');
    expect(heard).toEqual([]);
  });

  it('logs out: the server forgets the device', async () => {
    const client = await linked();
    await client.logout();
    const { log } = await whatsApp.get<{ log: { event: string }[] }>('/log');
    expect(log.map(({ event }) => event)).toContain('logout');
  });

  it('is told of a conflict when a copy of its profile is started, unless it takes over', async () => {
    const profile = await whatsApp.profile();
    const copy = await whatsApp.profile();
    await endClient(await linked(profile));
    await cp(profile, copy, { recursive: true });
    const original = await whatsApp.client(profile);
    await whatsApp.start(original);
    const heard = namesOf(original, 'disconnected', 'change_state');
    const copied = await whatsApp.client(copy, { takeoverOnConflict: true });
    await whatsApp.start(copied);
    await eventually(() => original.pupBrowser?.connected === false);
    expect(heard).toEqual(['change_state CONFLICT', 'disconnected CONFLICT']);

    const states = namesOf(copied, 'disconnected', 'change_state');
    const back = await whatsApp.client(profile);
    await back.initialize();
    await eventually(() => states.includes('change_state CONNECTED'));
    expect(states[0]).toBe('change_state CONFLICT');
    await eventually(async () => (await back.getState()) === 'CONFLICT');
    expect(states.filter((name) => name.startsWith('disconnected'))).toEqual([]);
  });

  it('comes back by itself when its connection is lost, and sends what was waiting', async () => {
    const client = await linked();
    const heard = namesOf(client, 'disconnected', 'change_state');
    await whatsApp.post('/config', { outage: true });
    await eventually(() => heard.includes('change_state OPENING'));
    const chat = client.sendMessage(CHAT, 'later').catch(() => undefined);
    await whatsApp.post('/config', { outage: false });
    await eventually(() => heard.includes('change_state CONNECTED'));
    await chat;
    await eventually(async () => {
      const { sent } = await whatsApp.get<{ sent: { body: string }[] }>(`/sent?phone=${ME}`);
      return sent.some(({ body }) => body === 'later');
    });
    expect(heard.filter((name) => name.startsWith('disconnected'))).toEqual([]);
    const received = nextEvent<[Message]>(client, 'message');
    await whatsApp.post('/deliver', { phone: ME, from: PEER, body: 'still here' });
    expect((await received)[0].body).toBe('still here');
  });

  it('keeps a message pending while its ack is lost, and sends it again after the next login with the same id', async () => {
    await whatsApp.post('/config', { lose_acks: 1 });
    const client = await linked();
    const sent = await client.sendMessage(CHAT, 'lost ack');
    const record = await eventually(async () => {
      const { sent: ledger } = await whatsApp.get<{ sent: { id: string; attempts: number }[] }>(
        `/sent?phone=${ME}`,
      );
      return ledger.find(({ id }) => id === sent.id.id);
    });
    expect(record.attempts).toBe(1);
    const acked = nextEvent<[Message, number]>(client, 'message_ack');
    await whatsApp.post('/drop-sockets', { phone: ME });
    expect((await acked)[0].id.id).toBe(sent.id.id);
  });

  it('lacks the modules that the emulator is told to take away', async () => {
    await whatsApp.post('/config', { missing_modules: ['WAWebSendMsgChatAction'] });
    const client = await linked();
    await expect(client.sendMessage(CHAT, 'no')).rejects.toThrow(
      'Requiring unknown module "WAWebSendMsgChatAction"',
    );
  });

  it('has on the disk what it has acknowledged when it is killed in a burst', async () => {
    const profile = await whatsApp.profile();
    const client = await linked(profile);
    for (let index = 0; index < 40; index += 1) {
      await whatsApp.post('/deliver', { phone: ME, from: PEER, body: `message ${index}` });
    }
    const child = client.pupBrowser?.process();
    child?.kill('SIGKILL');
    await eventually(() => client.pupBrowser?.connected === false);
    const again = await whatsApp.client(profile);
    await whatsApp.start(again);
    const chat = await again.getChatById(CHAT);
    const bodies = (await chat.fetchMessages({ limit: 100 })).map(({ body }) => body);
    expect(bodies).toEqual(Array.from({ length: 40 }, (_value, index) => `message ${index}`));
    const { log } = await whatsApp.get<{ log: { event: string }[] }>('/log');
    expect(log.map(({ event }) => event)).not.toContain('rollback');
  });
});
