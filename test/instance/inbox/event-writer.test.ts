import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createLogger } from '../../../common/logger.ts';
import type { EventLog } from '../../../fleet/events/event-log.ts';
import type { Told } from '../../../instance/inbox/event-of.ts';
import { EventWriter, type WritingSession } from '../../../instance/inbox/event-writer.ts';
import { receivedEvent } from '../../helpers/wharf-events.ts';
import { ManualClock } from '../helpers/manual-clock.ts';
import { MemoryInboxStore } from './memory-log.ts';

const CHAT = '491700000002@c.us';

function make(limit = 10_000) {
  const clock = new ManualClock();
  const store = new MemoryInboxStore(() => clock.now());
  const writer = new EventWriter({
    log: store as unknown as EventLog,
    marks: store,
    clock,
    logger: createLogger('silent', {}),
    random: () => 1,
    limit,
  });
  return { clock, store, writer };
}

interface TestSession extends WritingSession {
  ours: Set<string>;
  overflows: number;
}

function session(store: MemoryInboxStore, id = 'main'): TestSession {
  const key = { workspace: '7', session: id };
  void store.begin(key, 0);
  return {
    key,
    waiting: [],
    unreadable: new Set(),
    isLive: true,
    ours: new Set(),
    overflows: 0,
    async isOurs(message) {
      return this.ours.has(message);
    },
    overflowed() {
      this.overflows += 1;
    },
  };
}

const message = (id: string, time: number, of = 'main', changes: Partial<Told> = {}): Told => ({
  event: receivedEvent(id, { text: id }, '7', of),
  mark: { chat: CHAT, time },
  ...changes,
});

describe('the writer of events', () => {
  it('writes in the order given, what comes together in one step, and then the marks', async () => {
    const { store, writer } = make();
    const main = session(store);
    for (let number = 1; number <= 50; number += 1) writer.add(main, [message(`m${number}`, number)]);
    await writer.written(main);
    expect(store.told).toEqual(Array.from({ length: 50 }, (_, index) => `m${index + 1}`));
    expect(store.appends).toBe(1);
    expect(store.marks.get('7/main')).toMatchObject({
      chats: new Map([[CHAT, 50]]),
      liveUntil: expect.any(Number),
    });
    expect(writer.waiting).toBe(0);
  });

  it('waits while the log is away, longer each time, and loses and turns round nothing', async () => {
    const { clock, store, writer } = make();
    const [main, other] = [session(store), session(store, 'other')];
    store.away = true;
    for (let number = 1; number <= 300; number += 1) {
      writer.add(main, [message(`m${number}`, number)]);
      writer.add(other, [message(`o${number}`, number, 'other')]);
      if (number % 100 !== 0) continue;
      for (let turn = 0; turn < 5; turn += 1) await nextTurn();
      clock.wakeAll();
    }
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    expect(store.events).toEqual([]);
    expect(writer.isFailing).toBe(true);
    expect(clock.slept.length).toBeGreaterThan(2);
    expect([...clock.slept].sort((a, b) => a - b)).toEqual(clock.slept);
    store.away = false;
    clock.wakeAll();
    await Promise.all([writer.written(main), writer.written(other)]);
    for (const prefix of ['m', 'o'])
      expect(store.told.filter((text) => text?.startsWith(prefix))).toEqual(
        Array.from({ length: 300 }, (_, index) => `${prefix}${index + 1}`),
      );
    expect(writer.isFailing).toBe(false);
    expect(writer.waiting).toBe(0);
  });

  it('moves no mark on where the log did not take the event, nor where it did and the marks could not', async () => {
    const { clock, store, writer } = make();
    const main = session(store);
    store.marksAway = true;
    writer.add(main, [message('a', 5)]);
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    expect(store.told).toEqual(['a']);
    expect(store.marks.get('7/main')).toMatchObject({ chats: new Map(), liveUntil: null });
    store.marksAway = false;
    clock.wakeAll();
    await writer.written(main);
    expect(store.told).toEqual(['a']);
    expect(store.marks.get('7/main')).toMatchObject({ chats: new Map([[CHAT, 5]]) });
  });

  it('gives each session its share: one with much to write holds up no other for long', async () => {
    const { store, writer } = make();
    const [busy, quiet] = [session(store, 'busy'), session(store, 'quiet')];
    writer.add(
      busy,
      Array.from({ length: 5000 }, (_, index) => message(`b${index}`, index, 'busy')),
    );
    await Promise.resolve();
    writer.add(quiet, [message('q', 1, 'quiet')]);
    await writer.written(busy);
    expect(store.events).toHaveLength(5001);
    expect(store.told.indexOf('q')).toBeLessThan(1000);
  });

  it('tells nothing of messages of ours, and moves on past them', async () => {
    const { store, writer } = make();
    const main = session(store);
    main.ours.add('msg_ours');
    writer.add(main, [
      message('ours', 5, 'main', { unlessOurs: 'msg_ours' }),
      message('not ours', 6, 'main', { unlessOurs: 'msg_other' }),
    ]);
    await writer.written(main);
    expect(store.told).toEqual(['not ours']);
    expect(store.marks.get('7/main')?.chats.get(CHAT)).toBe(6);
  });

  it('remembers what could not be read until it can be', async () => {
    const { store, writer } = make();
    const main = session(store);
    writer.add(main, [{ event: null, unreadable: { whatsappId: 'x', time: 5 } }]);
    await writer.written(main);
    expect(store.marks.get('7/main')?.unreadable).toEqual(new Map([['x', 5]]));
    writer.add(main, [message('x', 5, 'main', { readable: 'x' })]);
    await writer.written(main);
    expect(store.marks.get('7/main')?.unreadable).toEqual(new Map());
  });

  it('says where there is no room, and gives up what it is told to', async () => {
    const { clock, store, writer } = make(10);
    const [main, other] = [session(store), session(store, 'other')];
    store.away = true;
    writer.add(
      other,
      Array.from({ length: 8 }, (_, index) => message(`o${index}`, index, 'other')),
    );
    writer.add(main, [message('a', 1), message('b', 2)]);
    expect([main.overflows, other.overflows]).toEqual([0, 0]);
    writer.add(main, [message('c', 3)]);
    expect([main.overflows, other.overflows]).toEqual([1, 0]);
    writer.drop(main, ({ mark }) => mark !== undefined && mark.time > 1);
    expect(writer.waiting).toBe(9);
    store.away = false;
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    clock.wakeAll();
    await Promise.all([writer.written(main), writer.written(other)]);
    expect(store.told).toHaveLength(9);
    expect(writer.waiting).toBe(0);
  });

  it('goes on where the record of a message of ours cannot be understood', async () => {
    const { store, writer } = make();
    const [main, other] = [session(store), session(store, 'other')];
    main.isOurs = async () => {
      throw new SyntaxError('Unexpected token');
    };
    writer.add(main, [message('ours', 5, 'main', { unlessOurs: 'msg_ours' }), message('next', 6)]);
    writer.add(other, [message('o', 1, 'other')]);
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    expect(store.told.sort()).toEqual(['next', 'o']);
    expect(writer.waiting).toBe(0);
  });

  it('leaves nothing behind that comes at the moment it ends', async () => {
    for (let turns = 0; turns < 40; turns += 1) {
      const { store, writer } = make();
      const main = session(store);
      writer.add(main, [message('a', 1)]);
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      writer.add(main, [message('b', 2)]);
      for (let turn = 0; turn < 3; turn += 1) await nextTurn();
      expect(store.told, `after ${turns} turns`).toEqual(['a', 'b']);
    }
  });

  it('lets nobody wait any longer when it is closed', async () => {
    const { store, writer } = make();
    const main = session(store);
    store.away = true;
    writer.add(main, [message('a', 1)]);
    const waiting = writer.written(main);
    writer.close();
    await expect(waiting).rejects.toThrow('closed');
    writer.add(main, [message('b', 2)]);
    expect(main.waiting.length).toBeLessThanOrEqual(1);
  });
});
