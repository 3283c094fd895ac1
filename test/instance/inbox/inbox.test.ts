import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { EventLog } from '../../../fleet/events/event-log.ts';
import { Inbox } from '../../../instance/inbox/inbox.ts';
import { Session } from '../../../instance/session/session.ts';
import type { Happening, SeenMessage } from '../../../instance/whatsapp/client.ts';
import { aRecord } from '../../helpers/session-record.ts';
import { FakeClients } from '../helpers/fake-clients.ts';
import { aTenure, memoryParts } from '../helpers/session-parts.ts';
import { MemoryInboxStore } from './memory-log.ts';
import { aSeenMessage } from './seen-message.ts';

const DAY = 86_400;
/** Unix seconds at which the tests' clock stands at first. */
const START = Date.UTC(2026, 10, 22) / 1000;
const OTHER = '491700000003@c.us';

/** A session with an inbox, a page with a history, and a log in memory. */
function scene(options: { linked?: boolean; mostWaiting?: number } = {}) {
  const history: SeenMessage[] = [];
  const early: Happening[] = [];
  const clients = new FakeClients({ history: async () => history, early: () => early.splice(0) });
  const made = memoryParts(clients);
  const { clock, parts } = made;
  const store = new MemoryInboxStore(() => clock.now());
  const late: Happening[] = [];
  const makeInbox = () =>
    new Inbox({
      instance: 'instance-1',
      incarnation: 'test',
      log: store as unknown as EventLog,
      marks: store,
      isOurs: async () => false,
      onLate: (_session, happening) => late.push(happening),
      clock,
      logger: parts.log,
      random: () => 1,
      ...(options.mostWaiting === undefined ? {} : { mostWaiting: options.mostWaiting }),
    });
  const open = (linked: boolean) => {
    const inbox = makeInbox();
    const record = aRecord({ linked, phone_number: linked ? '491700000001' : null });
    const session = new Session(record, aTenure(), { ...parts, listeners: [inbox] });
    return { inbox, session };
  };
  const settled = async () => {
    for (let turn = 0; turn < 200; turn += 1) await nextTurn();
  };
  const { inbox, session } = open(options.linked ?? true);
  const start = async () => {
    const before = clients.made.length;
    session.resume();
    for (let turn = 0; clients.made.length === before && turn < 100; turn += 1) await nextTurn();
    await nextTurn();
  };
  /** Something comes, which the page has in its history from then on. */
  const comes = (message: SeenMessage) => {
    history.push(message);
    clients.last.events.happened({ kind: 'message', message });
  };
  const messages = () => store.told.filter((text) => !text?.startsWith('session.'));
  return {
    ...made,
    history,
    early,
    clients,
    store,
    late,
    open,
    inbox,
    session,
    start,
    settled,
    comes,
    messages,
  };
}

type Scene = ReturnType<typeof scene>;

/** Comes to be ready, with marks as of an earlier life: all up to `until` is known. */
async function readyAgain(it: Scene, until = START - 2 * DAY): Promise<void> {
  await it.store.begin({ workspace: '7', session: 'main' }, START - 50 * DAY);
  const marks = it.store.marks.get('7/main');
  if (marks) marks.liveUntil = until * 1000;
  await it.start();
  it.clients.last.becomeReady();
  await it.settled();
}

describe('the inbox', () => {
  it('tells nothing of before the account was linked, and all since', async () => {
    const it = scene({ linked: false });
    it.history.push(
      aSeenMessage('years ago', { t: START - 900 * DAY }),
      aSeenMessage('just before', { t: START - 5 }),
    );
    // The phone's past comes while the page connects, with what happened to it.
    it.early.push(
      { kind: 'message', message: aSeenMessage('years ago', { t: START - 900 * DAY }) },
      { kind: 'revoked', whatsappId: 'false_x_old', chatId: 'x' },
    );
    await it.start();
    it.clients.last.events.qr('2@code');
    it.clients.last.becomeReady();
    await it.settled();
    it.comes(aSeenMessage('first', { t: START + 1 }));
    await it.settled();
    expect(it.messages()).toEqual(['first']);
    expect(it.store.marks.get('7/main')?.since).toBe(START);
    await it.session.stop();

    it.history.push(aSeenMessage('meanwhile', { t: START + 2 }));
    await it.start();
    it.clients.last.becomeReady();
    await it.settled();
    expect(it.messages()).toEqual(['first', 'meanwhile']);
    await it.session.stop();
  });

  it('looks back a day where it was linked before and its marks are lost', async () => {
    const it = scene();
    it.history.push(
      aSeenMessage('old', { t: START - DAY - 60 }),
      aSeenMessage('yesterday', { t: START - DAY + 60 }),
    );
    await it.start();
    it.clients.last.becomeReady();
    await it.settled();
    expect(it.messages()).toEqual(['yesterday']);
    await it.session.stop();
  });

  it('tells what the histories have first, then what came while the page connected, then what came since', async () => {
    const it = scene();
    const t = START - DAY;
    for (let number = 1; number <= 8; number += 1)
      it.history.push(aSeenMessage(`a${number}`, { t: t + number }));
    it.history.push(aSeenMessage('b1', { t, chat_id: OTHER }));
    const reaction: Happening = {
      kind: 'reaction',
      whatsappId: 'false_x_old',
      chatId: 'x',
      from: 'x',
      emoji: '👍',
      key: 'r',
    };
    it.early.push({ kind: 'message', message: it.history[7] as SeenMessage }, reaction);
    await it.store.begin({ workspace: '7', session: 'main' }, START - 50 * DAY);
    await it.start();
    it.clients.last.becomeReady();
    it.comes(aSeenMessage('now', { t: START + 1 }));
    await it.settled();
    const told = it.messages();
    const ofFirst = told.filter((text) => text !== 'b1' && text !== 'message.reaction');
    expect(ofFirst).toEqual(['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7', 'a8', 'now']);
    expect(told).toHaveLength(11);
    expect(told.indexOf('message.reaction')).toBeGreaterThan(told.indexOf('a7'));
    expect(told.indexOf('message.reaction')).toBeGreaterThan(told.indexOf('b1'));
    const lateOf = (text: string) =>
      it.store.events.find((event) => 'text' in event.data && event.data.text === text)?.data;
    expect([lateOf('a1'), lateOf('now')]).toMatchObject([{ late: true }, { late: false }]);
    expect(it.late.filter(({ kind }) => kind === 'message').length).toBeGreaterThanOrEqual(9);
    await it.session.stop();
  });

  it('tells a message once that is found a second time', async () => {
    const it = scene();
    await readyAgain(it);
    expect(it.inbox.isTold(it.session)).toBe(true);
    it.comes(aSeenMessage('a', { t: START }));
    await it.settled();
    const told = it.store.events.length;
    await it.session.restart();
    for (let turn = 0; it.clients.made.length < 2 && turn < 100; turn += 1) await nextTurn();
    it.clients.last.becomeReady();
    await it.settled();
    expect(it.messages()).toEqual(['a']);
    expect(it.store.events.length).toBeGreaterThan(told);
    await it.session.stop();
  });

  it('finds what was told to nobody when the process ended', async () => {
    const it = scene();
    await readyAgain(it);
    it.comes(aSeenMessage('a', { t: START }));
    await it.settled();
    it.store.away = true;
    it.comes(aSeenMessage('b', { t: START + 1 }));
    it.comes(aSeenMessage('c', { t: START + 1, chat_id: OTHER }));
    await it.settled();
    await it.inbox.close(0);
    it.session.kill().catch(() => {});
    await it.settled();
    it.store.away = false;
    it.history.push(aSeenMessage('d', { t: START + 2 }));

    const next = it.open(true);
    next.session.resume();
    for (let turn = 0; it.clients.made.length < 2 && turn < 100; turn += 1) await nextTurn();
    it.clients.last.becomeReady();
    await it.settled();
    expect(it.messages().sort()).toEqual(['a', 'b', 'c', 'd']);
    expect(it.messages().indexOf('b')).toBeLessThan(it.messages().indexOf('d'));
    await next.session.stop();
  });

  it('tries again where the page or Redis does not answer, and holds what comes meanwhile', async () => {
    const it = scene();
    let broken = true;
    it.clients.script.history = async () => {
      if (broken) throw new Error('the page hangs');
      return it.history;
    };
    it.history.push(aSeenMessage('a', { t: START - DAY }));
    await readyAgain(it);
    it.comes(aSeenMessage('b', { t: START }));
    await it.settled();
    expect(it.messages()).toEqual([]);
    broken = false;
    it.store.away = true;
    it.clock.wakeAll();
    await it.settled();
    it.store.away = false;
    it.clock.wakeAll();
    await it.settled();
    it.clock.wakeAll();
    await it.settled();
    expect(it.messages()).toEqual(['a', 'b']);
    await it.session.stop();
  });

  it('tells what comes without the histories where the page does not give them, and moves no mark past what they may hold', async () => {
    const it = scene();
    let broken = true;
    it.clients.script.history = async () => {
      if (broken) throw new Error('the page has no such module');
      return it.history;
    };
    it.history.push(aSeenMessage('missed', { t: START - 60 }));
    await readyAgain(it);
    it.comes(aSeenMessage('a', { t: START }));
    for (let tries = 0; tries < 3; tries += 1) {
      expect(it.messages()).toEqual([]);
      it.clock.wakeAll();
      await it.settled();
    }
    it.comes(aSeenMessage('b', { t: START + 1 }));
    await it.settled();
    expect(it.messages()).toEqual(['a', 'b']);
    expect(it.store.marks.get('7/main')).toMatchObject({
      chats: new Map(),
      liveUntil: (START - 2 * DAY) * 1000,
    });
    expect(it.lines.some(({ level }) => level === 'error')).toBe(true);
    broken = false;
    it.clock.wakeAll();
    await it.settled();
    expect(it.messages()).toEqual(['a', 'b', 'missed']);
    expect(it.store.marks.get('7/main')?.liveUntil).toBe(it.clock.now());
    await it.session.stop();
  });

  it('tells what the other chats hold where the page fails at one, and leaves that one’s mark where it is', async () => {
    const it = scene();
    it.clients.script.unreadableChats = () => [OTHER];
    it.history.push(
      aSeenMessage('lost', { t: START - 50, chat_id: OTHER }),
      ...[1, 2, 3, 4].map((number) => aSeenMessage(`a${number}`, { t: START - 60 + number })),
    );
    await readyAgain(it);
    it.comes(aSeenMessage('b', { t: START }));
    for (let tries = 0; tries < 3; tries += 1) {
      it.clock.wakeAll();
      await it.settled();
    }
    expect(it.messages()).toEqual(['a1', 'a2', 'a3', 'a4', 'b']);
    const marks = it.store.marks.get('7/main');
    expect(marks?.liveUntil).toBeGreaterThan((START - DAY) * 1000);
    expect(marks?.chats.has(OTHER)).toBe(false);
    expect(it.lines.some(({ level }) => level === 'error')).toBe(true);
    await it.session.stop();

    it.clients.script.unreadableChats = () => [];
    await it.start();
    it.clients.last.becomeReady();
    await it.settled();
    expect(it.messages()).toEqual(['a1', 'a2', 'a3', 'a4', 'b', 'lost']);
    await it.session.stop();
  });

  it('looks from time to time whether something came that nobody heard', async () => {
    const it = scene();
    await readyAgain(it);
    it.comes(aSeenMessage('heard', { t: START }));
    await it.settled();
    it.history.push(aSeenMessage('unheard', { t: START + 1 }));
    await it.settled();
    expect(it.messages()).toEqual(['heard']);
    it.clock.wakeAll();
    await it.settled();
    expect(it.messages()).toEqual(['heard', 'unheard']);
    const { appends } = it.store;
    it.clock.wakeAll();
    await it.settled();
    expect(it.store.appends).toBe(appends);
    await it.session.stop();
  });

  it('gives up what the histories hold where too much waits, and finds it there when there is room', async () => {
    const it = scene({ mostWaiting: 20 });
    await readyAgain(it);
    it.store.away = true;
    const texts = Array.from({ length: 60 }, (_, index) => `m${index}`);
    for (const [index, text] of texts.entries()) {
      it.comes(aSeenMessage(text, { t: START + index }));
      if (index % 7 === 0) await nextTurn();
    }
    await it.settled();
    expect(it.inbox.waiting).toBeLessThanOrEqual(21);
    it.store.away = false;
    for (let round = 0; round < 4; round += 1) {
      it.clock.wakeAll();
      await it.settled();
    }
    expect(it.messages()).toEqual(texts);
    await it.session.stop();
  });

  it('keeps what is no message where the page is lost before its histories are told: no history may hold it', async () => {
    const it = scene();
    it.clients.script.history = () => new Promise(() => {});
    await readyAgain(it);
    expect(it.inbox.isTold(it.session)).toBe(false);
    const { events } = it.clients.last;
    events.happened({ kind: 'message', message: aSeenMessage('found later', { t: START }) });
    events.happened({ kind: 'revoked', whatsappId: 'false_x_old', chatId: 'x' });
    events.lost('browser_gone', 'it crashed');
    await it.settled();
    expect(it.messages()).toEqual(['message.revoked']);
    await it.session.stop();
  });

  it('tells of every state and every QR, and why a session was lost', async () => {
    const it = scene({ linked: false });
    await it.start();
    it.clients.last.events.qr('2@one');
    it.clients.last.events.qr('2@two');
    it.clients.last.becomeReady('491700000001');
    await it.settled();
    it.clients.last.events.lost('page_crashed', 'out of memory');
    await it.settled();
    const { events } = it.store;
    expect(it.store.told.slice(0, 7)).toEqual([
      'session.status',
      'session.qr',
      'session.status',
      'session.qr',
      'session.status',
      'session.status',
      'session.status',
    ]);
    const statuses = events.filter(({ type }) => type === 'session.status').map(({ data }) => data);
    expect(statuses).toMatchObject([
      { status: 'starting', previous: 'stopped', reason: null },
      { status: 'qr' },
      { status: 'authenticated' },
      { status: 'ready', phone_number: '491700000001', instance: 'instance-1' },
      { status: 'disconnected', previous: 'ready', reason: 'page_crashed: out of memory' },
      ...statuses.slice(5),
    ]);
    const qrs = events.filter(({ type }) => type === 'session.qr').map(({ data }) => data);
    expect(qrs).toMatchObject([{ qr: '2@one', expires_at: expect.any(String) }, { qr: '2@two' }]);
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    await it.session.stop();
  });

  it('tells that a copy took the place of a lost profile, and how old it is', async () => {
    const it = scene();
    it.profiles.lastGood = 'the good copy of yesterday';
    await it.start();
    it.clients.last.events.qr('2@asks');
    await it.settled();
    const [restored] = it.store.events.filter(({ type }) => type === 'session.restored');
    expect(restored?.data).toEqual({ restored_from: '2026-11-21T00:00:00.000Z', age_seconds: DAY });
    await it.session.stop();
  });

  it('says nothing more of a session that is another’s, and lets what it had be written before', async () => {
    const it = scene();
    await readyAgain(it);
    it.comes(aSeenMessage('a', { t: START }));
    await it.session.settle();
    expect(it.messages()).toEqual(['a']);
    await it.session.close();
    await it.settled();
    expect(it.store.told.at(-1)).toBe('a');
  });
});
