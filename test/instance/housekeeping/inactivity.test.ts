import { readdir } from 'node:fs/promises';
import { describe, expect, it, vi } from 'vitest';
import { WharfError } from '../../../common/errors.ts';
import type { WharfEvent } from '../../../fleet/events/event.ts';
import { Inactivity, type InactivityParts } from '../../../instance/housekeeping/inactivity.ts';
import { eventually } from '../../helpers/eventually.ts';
import { housekeptSessions } from './housekept-sessions.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Sessions that are warned of after 30 days, stopped after 60 and deleted after 90, and the events that tell of it. */
async function scene(changes: Partial<InactivityParts> = {}) {
  const sessions = await housekeptSessions();
  const { clock, log, manager } = sessions;
  const events: WharfEvent<'session.inactive'>[] = [];
  const given = { away: false, messages: new Set<string>(), untold: new Set<string>() };
  const inactivity = new Inactivity({
    rules: { warn: 30 * DAY, stop: 60 * DAY, delete: 90 * DAY },
    kept: new Set(),
    manager,
    queues: { hasMessages: async ({ session }) => given.messages.has(session) },
    events: {
      append: async (told) => {
        if (given.away) throw new WharfError('queue_unavailable', 'The Redis of this test is away.');
        events.push(...(told as WharfEvent<'session.inactive'>[]));
      },
    },
    histories: { isTold: ({ record }) => !given.untold.has(record.session_id) },
    watch: sessions.watch(),
    clock,
    log,
    onStep: () => {},
    ...changes,
  });
  const round = () => inactivity.round(new AbortController().signal);
  /** Lets days pass, with a look each hour, or each day. */
  const days = async (count: number) => {
    for (let day = 0; day < count; day += 1) {
      clock.pass(DAY);
      await round();
    }
  };
  const steps = () => events.map(({ data, session_id }) => `${session_id} ${data.step}`);
  return { ...sessions, days, events, given, inactivity, round, steps };
}

describe('a session that nobody uses', () => {
  it('is warned of, stopped and deleted, an event first each time', async () => {
    const { clients, days, events, inactivity, manager, paths, ready, round, steps, store } = await scene();
    const session = await ready();
    await round();
    await days(29);
    expect(steps()).toEqual([]);
    await days(1);
    expect(events).toMatchObject([
      {
        type: 'session.inactive',
        workspace_id: '7',
        data: {
          step: 'warn',
          inactive_since: '2026-01-01T00:00:00.000Z',
          inactive_days: 30,
          next_step: 'stop',
          next_at: '2026-03-02T00:00:00.000Z',
        },
      },
    ]);
    expect(inactivity.count('warn')).toBe(1);
    expect(session.detail().inactive).toMatchObject({ step: 'warn', since: '2026-01-01T00:00:00.000Z' });
    await days(29);
    expect(session.status).toBe('ready');
    await days(1);
    expect(steps()).toEqual(['main warn', 'main stop']);
    expect(session.status).toBe('stopped');
    expect((await store.read('7', 'main'))?.record).toMatchObject({
      should_run: false,
      linked: true,
      last_error: null,
      inactivity: { step: 'stop' },
    });
    await days(30);
    expect(steps()).toEqual(['main warn', 'main stop', 'main delete']);
    expect(manager.all()).toEqual([]);
    expect(await readdir(paths.trash('7'))).toHaveLength(1);
    expect(new Set(events.map(({ id }) => id)).size).toBe(3);
    expect(clients.running).toBe(0);
  });

  it('is forgotten of when a message comes, and counted from there', async () => {
    const { clients, clock, days, manager, ready, round, steps } = await scene();
    const session = await ready();
    await round();
    await days(31);
    expect(steps()).toEqual(['main warn']);
    clients.last.events.happened({
      kind: 'message',
      message: {
        whatsapp_id: 'false_1@c.us_A',
        chat_id: '1@c.us',
        from: '1@c.us',
        to: '2@c.us',
        author: null,
        type: 'chat',
        text: 'Hello',
        timestamp: new Date(clock.now()).toISOString(),
        from_me: false,
        ack: 0,
        reply_to: null,
        media: null,
        location: null,
        contacts: null,
      } as never,
    });
    await round();
    expect(session.detail().inactive).toBeNull();
    await days(29);
    expect(steps()).toEqual(['main warn']);
    await days(1);
    expect(steps()).toEqual(['main warn', 'main warn']);
    await manager.close(1000);
  });

  it('counts from its start where somebody starts it after it was stopped', async () => {
    const { days, manager, ready, round, steps } = await scene();
    const session = await ready();
    await round();
    await days(60);
    expect(session.status).toBe('stopped');
    await manager.start('7', 'main');
    await eventually(() => session.status === 'ready');
    await days(29);
    expect(steps()).toEqual(['main warn', 'main stop']);
    expect(session.detail().inactive).toBeNull();
    await days(1);
    expect(steps()).toEqual(['main warn', 'main stop', 'main warn']);
    await manager.close(1000);
  });

  it.each(['itself', 'its workspace'])('is left alone where %s is kept', async (what) => {
    const kept = new Set(what === 'itself' ? [] : ['7']);
    const { days, manager, ready, round, steps } = await scene({ kept });
    await ready();
    if (what === 'itself') await manager.keep('7', 'main');
    await round();
    await days(100);
    expect(steps()).toEqual([]);
    if (what === 'itself') {
      await manager.unkeep('7', 'main');
      await days(1);
      expect(steps()).toEqual(['main warn']);
    }
    await manager.close(1000);
  });

  it('is warned of anew where it was kept for a while, and nobody used it', async () => {
    const { days, events, manager, ready, round, steps } = await scene();
    await ready();
    await round();
    await days(30);
    await manager.keep('7', 'main');
    await days(40);
    expect(steps()).toEqual(['main warn']);
    await manager.unkeep('7', 'main');
    await days(1);
    expect(steps()).toEqual(['main warn', 'main warn']);
    const [first, second] = events;
    expect(second?.data.inactive_since).toBe(first?.data.inactive_since);
    // The log would drop it, and the session be stopped on a day that nobody was told.
    expect(second?.id).not.toBe(first?.id);
    expect(first?.data.next_at).toBe('2026-03-02T00:00:00.000Z');
    expect(second?.data.next_at).toBe('2026-04-12T00:00:00.000Z');
    await manager.close(1000);
  });

  it('is told of once where the step is tried again, since the record could not be written', async () => {
    const { clock, days, events, manager, ready, round } = await scene();
    const session = await ready();
    await round();
    const fault = new WharfError('storage_unavailable', 'It is full.');
    const note = vi.spyOn(session, 'note').mockRejectedValue(fault);
    await days(30);
    note.mockRestore();
    expect(session.record.inactivity ?? null).toBeNull();
    clock.pass(HOUR);
    await round();
    expect(session.record.inactivity).toMatchObject({ step: 'warn' });
    expect(events.map(({ id }) => id)).toEqual([events[0]?.id, events[0]?.id]);
    await manager.close(1000);
  });

  it('is not stopped while the event of it cannot be written', async () => {
    const { days, given, manager, ready, round, steps } = await scene();
    const session = await ready();
    await round();
    given.away = true;
    await days(40);
    expect(session.record.inactivity ?? null).toBeNull();
    given.away = false;
    await round();
    expect(steps()).toEqual(['main warn']);
    given.away = true;
    await days(31);
    expect(session.status).toBe('ready');
    given.away = false;
    await round();
    expect(session.status).toBe('stopped');
    await manager.close(1000);
  });

  it('is not stopped or deleted while messages wait in its queue', async () => {
    const { days, given, manager, ready, round, steps } = await scene();
    const session = await ready();
    await round();
    given.messages.add('main');
    await days(70);
    expect(steps()).toEqual(['main warn']);
    expect(session.status).toBe('ready');
    await manager.close(1000);
  });

  it('is neither warned of nor stopped for a day after the clock was set', async () => {
    const { clock, days, lines, manager, others, ready, round, steps } = await scene();
    const session = await ready();
    await round();
    await days(30);
    clock.wall += 400 * DAY;
    // All others' were wrong, say.
    others.start += 400 * DAY;
    await round();
    for (let hour = 0; hour < 23; hour += 1) {
      clock.pass(HOUR);
      await round();
    }
    expect(session.status).toBe('ready');
    expect(lines.filter(({ jump_hours }) => jump_hours === 9600)).toHaveLength(1);
    clock.pass(HOUR);
    await round();
    expect(steps()).toEqual(['main warn', 'main stop']);
    await manager.close(1000);
  });

  it('is counted anew where the setting was off in between', async () => {
    const first = await scene();
    const session = await first.ready();
    await first.round();
    expect(session.record.last_active_at).toBe('2026-01-01T00:00:00.000Z');
    const { clock, log, manager } = first;
    const off = new Inactivity({
      rules: { warn: 0, stop: 0, delete: 0 },
      kept: new Set(),
      manager,
      queues: { hasMessages: async () => false },
      events: { append: async () => {} },
      histories: { isTold: () => true },
      watch: first.watch(),
      clock,
      log,
      onStep: () => {},
    });
    clock.pass(20 * DAY);
    await off.round(new AbortController().signal);
    expect(Object.keys((await first.store.read('7', 'main'))?.record ?? {})).not.toContain('last_active_at');
    clock.pass(80 * DAY);
    await first.round();
    expect(first.steps()).toEqual([]);
    await manager.close(1000);
  });

  it('is neither warned of, stopped nor deleted by a clock that is not as the others are', async () => {
    const { clock, days, lines, manager, others, ready, round, steps } = await scene();
    const session = await ready();
    await round();
    others.start -= 365 * DAY;
    await days(50);
    expect(steps()).toEqual([]);
    expect(session.record.inactivity).toBeUndefined();
    expect(lines.filter(({ ahead_hours }) => ahead_hours === 8760).length).toBeGreaterThan(0);
    others.start += 365 * DAY;
    others.isAway = true;
    await days(1);
    expect(steps()).toEqual([]);
    others.isAway = false;
    await round();
    expect(steps()).toEqual(['main warn']);
    expect(clock.now()).toBe(Date.UTC(2026, 0, 1) + 51 * DAY);
    await manager.close(1000);
  });

  it('is used for good at once, whoever runs it next: its first message after a warning is written down', async () => {
    const { clock, days, manager, ready, round, steps, store } = await scene();
    const session = await ready();
    await round();
    await days(30);
    expect(steps()).toEqual(['main warn']);
    clock.pass(60_000);
    session.touch(clock.now());
    const read = async () => (await store.read('7', 'main'))?.record;
    const used = new Date(clock.now()).toISOString();
    await eventually(async () => (await read())?.last_active_at === used);
    expect(Object.keys((await read()) ?? {})).not.toContain('inactivity');
    await manager.close(1000);
  });

  it('has its activity written down in the next look where the storage failed', async () => {
    const { clock, manager, ready, round, store } = await scene();
    const session = await ready();
    await round();
    clock.pass(13 * HOUR);
    const used = new Date(clock.now()).toISOString();
    const fault = new WharfError('storage_unavailable', 'It is full.');
    const write = vi.spyOn(store, 'write').mockRejectedValue(fault);
    session.touch(clock.now());
    await eventually(() => write.mock.settledResults.length === 1);
    write.mockRestore();
    await eventually(async () => {
      await round();
      return session.record.last_active_at === used;
    });
    await manager.close(1000);
  });

  it('leaves its last activity to its next owner', async () => {
    const { clock, manager, ready, round, store } = await scene();
    const session = await ready();
    await round();
    clock.pass(HOUR);
    session.touch(clock.now());
    clock.pass(HOUR);
    expect(await manager.workspaces.release('7', session.epoch)).toBe(true);
    const used = new Date(clock.now() - HOUR).toISOString();
    expect((await store.read('7', 'main'))?.record.last_active_at).toBe(used);
  });

  it('is not stopped before it is here for a quarter of an hour and its histories are told', async () => {
    const { clock, days, given, granting, manager, ready, round, steps } = await scene();
    const session = await ready();
    await round();
    given.untold.add('main');
    await days(61);
    expect(steps()).toEqual(['main warn']);
    given.untold.clear();
    await manager.workspaces.release('7', session.epoch);
    await granting.give('7');
    await eventually(() => manager.find('7', 'main')?.status === 'ready');
    await round();
    expect(steps()).toEqual(['main warn']);
    clock.pass(HOUR / 4);
    await round();
    expect(steps()).toEqual(['main warn', 'main stop']);
    await manager.close(1000);
  });

  it('takes no place of those an hour where no step was taken', async () => {
    const { days, given, inactivity, manager, ready, round, steps } = await scene({
      rules: { warn: DAY, stop: 2 * DAY, delete: 0 },
    });
    for (let index = 0; index < 27; index += 1) {
      await ready(`s${index}`);
      if (index < 26) given.messages.add(`s${index}`);
    }
    await round();
    await days(1);
    await round();
    expect(inactivity.count('warn')).toBe(27);
    await days(1);
    expect(steps().filter((step) => step.endsWith('stop'))).toEqual(['s26 stop']);
    await manager.close(1000);
  });

  it('has its stop in its record with that it should not run, or neither', async () => {
    const { days, manager, ready, round, store } = await scene();
    const session = await ready();
    await round();
    await days(59);
    const note = vi
      .spyOn(session, 'note')
      .mockRejectedValue(new WharfError('storage_unavailable', 'It is full.'));
    await days(1);
    note.mockRestore();
    expect((await store.read('7', 'main'))?.record).toMatchObject({
      should_run: false,
      inactivity: { step: 'stop', at: '2026-03-02T00:00:00.000Z' },
    });
    await manager.close(1000);
  });

  it('writes its last activity down twice a day at most', async () => {
    const { clock, manager, ready, round } = await scene();
    const session = await ready();
    await round();
    const written: string[] = [];
    for (let hour = 0; hour < 48; hour += 1) {
      clock.pass(HOUR);
      const isDue = clock.now() - Date.parse(session.record.last_active_at ?? '') >= 12 * HOUR;
      session.touch(clock.now());
      const now = new Date(clock.now()).toISOString();
      if (isDue) await eventually(() => session.record.last_active_at === now);
      await round();
      const at = session.record.last_active_at ?? '';
      if (at !== written.at(-1)) written.push(at);
    }
    expect(written.length).toBeLessThanOrEqual(5);
    expect(written.length).toBeGreaterThan(2);
    await manager.close(1000);
  });

  it('goes with few others at a time', async () => {
    const { days, inactivity, manager, ready, round, steps } = await scene({
      rules: { warn: DAY, stop: 0, delete: 2 * DAY },
    });
    for (let index = 0; index < 30; index += 1) await ready(`s${index}`);
    await round();
    await days(1);
    expect(inactivity.count('warn')).toBe(25);
    await round();
    expect(inactivity.count('warn')).toBe(30);
    await days(1);
    expect(steps().filter((step) => step.endsWith('delete'))).toHaveLength(5);
    expect(manager.all()).toHaveLength(25);
    await manager.close(1000);
  });
});
