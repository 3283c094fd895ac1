import { describe, expect, it } from 'vitest';
import { DrivenClock } from '../../helpers/driven-clock.ts';
import { eventually } from '../../helpers/eventually.ts';
import { freePort } from '../../helpers/redis.ts';
import { type Desk, startDesk } from './desk.ts';
import { startReceiver } from './receiver.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Real milliseconds for hours and days of the driven clock: only to end what hangs. */
const PATIENCE = 100_000;

/** A desk on a clock in hand, which delivers the events of workspace 7 to a receiver that answers this. */
async function deskWith(answer: Parameters<typeof startReceiver>[0]) {
  const clock = new DrivenClock();
  const desk = await startDesk({ clock });
  const receiver = await startReceiver(answer);
  await desk.webhooks.set('7', { url: receiver.url, events: ['*'] });
  return { clock, desk, receiver };
}

/** The same, where nobody is: a receiver may come to the port. */
async function deskWithNobody() {
  const clock = new DrivenClock();
  const desk = await startDesk({ clock });
  const port = await freePort();
  await desk.webhooks.set('7', { url: `http://127.0.0.1:${port}/`, events: ['*'] });
  return { clock, desk, port };
}

/** Lets time pass in steps, and what is under way come back between them, until something holds. Tells how long that was. */
async function passUntil(
  clock: DrivenClock,
  step: number,
  holds: () => boolean | Promise<boolean>,
): Promise<number> {
  const begun = clock.now();
  await eventually(async () => {
    if (await holds()) return true;
    await clock.pass(step);
    return false;
  }, PATIENCE);
  return clock.now() - begun;
}

const pendingOf = async (desk: Desk, workspace = '7') =>
  (await desk.deliveries.pending(workspace)).events.map(({ event }) => event.id);
const countsOf = async (desk: Desk, workspace = '7') => desk.deliveries.counts(workspace);

describe('a receiver that comes back', { timeout: PATIENCE }, () => {
  it('after hours gets all that it missed, in order, within minutes', async () => {
    const { clock, desk, port } = await deskWithNobody();
    const sales = await desk.append('7', 'sales', 30);
    const support = await desk.append('7', 'support', 30);
    await passUntil(clock, 2 * SECOND, () => desk.counts.kinds.failed >= 5);
    await passUntil(clock, 5 * MINUTE, () => desk.counts.kinds.failed >= 40);
    const receiver = await startReceiver(undefined, port);
    const passed = await passUntil(clock, 10 * SECOND, () => receiver.taken.length > 0);
    await passUntil(clock, 10 * SECOND, () => receiver.taken.length === 60);
    const of = (session: string) =>
      receiver.taken.filter(({ event }) => event.session_id === session).map(({ id }) => id);
    expect([of('sales'), of('support')]).toEqual([sales, support]);
    expect(receiver.all).toHaveLength(60);
    expect(passed).toBeLessThanOrEqual(7 * MINUTE);
    await eventually(async () => (await pendingOf(desk)).length === 0);
  });

  it('is asked at once when somebody tests it and it answers', async () => {
    const { clock, desk, port } = await deskWithNobody();
    const ids = await desk.append('7', 'sales', 5);
    await passUntil(clock, MINUTE, () => desk.counts.kinds.failed >= 12);
    const receiver = await startReceiver(undefined, port);
    expect((await desk.webhooks.test('7', new AbortController().signal)).outcome.kind).toBe('taken');
    await eventually(() => receiver.taken.length === 6);
    expect(receiver.ids.slice(1)).toEqual(ids);
  });

  it('is not forgotten when the clock is set back', async () => {
    const driven = new DrivenClock();
    let setBack = 0;
    const clock = {
      now: () => driven.now() - setBack,
      monotonic: () => driven.monotonic(),
      sleep: (time: number, signal?: AbortSignal) => driven.sleep(time, signal),
    };
    const desk = await startDesk({ clock });
    const port = await freePort();
    await desk.webhooks.set('7', { url: `http://127.0.0.1:${port}/`, events: ['*'] });
    const ids = await desk.append('7', 'sales', 5);
    await passUntil(driven, MINUTE, () => desk.counts.kinds.failed >= 12);
    setBack = 24 * HOUR;
    const receiver = await startReceiver(undefined, port);
    const passed = await passUntil(driven, 5 * SECOND, () => receiver.taken.length === 5);
    expect(receiver.ids).toEqual(ids);
    expect(passed).toBeLessThan(7 * MINUTE);
  });

  it('gets all in order, though it answered all the while that it was not well', async () => {
    let isWell = false;
    const { clock, desk, receiver } = await deskWith(() => (isWell ? 200 : 502));
    const ids = await desk.append('7', 'sales', 20);
    await passUntil(clock, 5 * MINUTE, () => receiver.all.length >= 15);
    // Where nothing is under way, so that no probe is just between the two.
    await passUntil(clock, MINUTE, () => receiver.open === 0 && receiver.all.at(-1)?.id === ids[1]);
    isWell = true;
    await passUntil(clock, 5 * MINUTE, () => receiver.taken.length === 20);
    expect(receiver.ids).toEqual(ids);
  });

  it('is asked less and less meanwhile', async () => {
    const { clock, desk, receiver } = await deskWith(() => 503);
    for (let session = 0; session < 30; session += 1) await desk.append('7', `s${session}`, 3);
    await passUntil(clock, SECOND, () => receiver.all.length >= 10);
    const before = receiver.all.length;
    const begun = clock.now();
    await passUntil(clock, MINUTE, () => clock.now() - begun >= 2 * HOUR);
    // Five minutes between probes, after the first few.
    expect(receiver.all.length - before).toBeGreaterThan(10);
    expect(receiver.all.length - before).toBeLessThan(40);
    expect((await desk.webhooks.view('7')).state).toMatchObject({ circuit: 'open' });
  });
});

describe('an event that is refused while others are taken', { timeout: PATIENCE }, () => {
  it('is set aside after ten tries, and its session goes on', async () => {
    let poison = '';
    const { clock, desk, receiver } = await deskWith(({ id }) => (id === poison ? 500 : 200));
    const first = await desk.append('7', 'sales', 2);
    await passUntil(clock, 10, () => receiver.taken.length === 2);
    [poison = ''] = await desk.append('7', 'sales');
    const rest = await desk.append('7', 'sales', 3);
    const triesOf = () => receiver.all.filter(({ id }) => id === poison).length;
    // Another session goes on all the while: that is the proof.
    await passUntil(clock, 5 * MINUTE, async () => {
      await desk.append('7', 'other');
      return triesOf() >= 10;
    });
    await passUntil(clock, SECOND, () => receiver.ids.includes(rest[2] ?? ''));
    const order = receiver.all.map(({ id }) => id);
    const triedBefore = order.slice(0, order.indexOf(rest[0] ?? '')).filter((id) => id === poison);
    expect(triedBefore).toHaveLength(10);
    const sales = receiver.taken.filter(({ event }) => event.session_id === 'sales').map(({ id }) => id);
    expect(sales).toEqual([...first, ...rest]);
    expect(await countsOf(desk)).toEqual({ aside: 1, dead: 0 });
    const refused = poison;
    poison = '';
    await passUntil(clock, MINUTE, () => receiver.ids.includes(refused));
    await eventually(async () => (await countsOf(desk)).aside === 0);
  });

  it('is set aside where the next of its session is taken as a probe', async () => {
    let poison = '';
    const { clock, desk, receiver } = await deskWith(({ id }) => (id === poison ? 500 : 200));
    [poison = ''] = await desk.append('7', 'sales');
    const rest = await desk.append('7', 'sales', 3);
    await passUntil(clock, 5 * MINUTE, () => receiver.all.length >= 10);
    await passUntil(clock, SECOND, () => receiver.taken.length === 3);
    expect(receiver.ids).toEqual(rest);
    await eventually(async () => (await countsOf(desk)).aside === 1);
  });

  it('holds up nobody but its session before, however much waits behind it', async () => {
    let poison = '';
    const { clock, desk, receiver } = await deskWith(({ id }) => (id === poison ? 500 : 200));
    [poison = ''] = await desk.append('7', 'sales');
    await desk.append('7', 'sales', 1500);
    const other = await desk.append('7', 'other', 5);
    await passUntil(clock, 100, () => receiver.taken.length === 5);
    expect(receiver.ids).toEqual(other);
  });
});

describe('giving up', { timeout: PATIENCE }, () => {
  it('makes a dead letter of an event after three days, which can be replayed', async () => {
    let refuses = true;
    const { clock, desk, receiver } = await deskWith(() => (refuses ? 500 : 200));
    const [id = ''] = await desk.append('7', 'sales');
    await passUntil(clock, HOUR / 2, async () => (await countsOf(desk)).dead === 1);
    const { letters } = await desk.webhooks.deadLetters('7', null, 10);
    expect(letters).toMatchObject([{ event: { id }, tries: { status: 500 } }]);
    const [letter] = letters;
    const lasted = (letter?.movedAt ?? 0) - (letter?.tries?.firstAt ?? 0);
    expect(lasted).toBeGreaterThanOrEqual(72 * HOUR);
    expect(lasted).toBeLessThan(74 * HOUR);
    expect(await pendingOf(desk)).toEqual([]);
    refuses = false;
    expect(await desk.webhooks.replay('7', [id, 'evt_unknown'])).toEqual({
      replayed: 1,
      unknown: ['evt_unknown'],
    });
    await passUntil(clock, SECOND, () => receiver.taken.length === 1);
    expect(receiver.ids).toEqual([id]);
    await eventually(async () => JSON.stringify(await countsOf(desk)) === '{"aside":0,"dead":0}');
  });

  it('takes all that are as old with it, where the receiver took nothing for three days', async () => {
    const { clock, desk } = await deskWithNobody();
    const ids = await desk.append('7', 'sales', 250);
    await passUntil(clock, HOUR, async () => (await countsOf(desk)).dead === 250);
    const later = await desk.append('7', 'sales', 2);
    await passUntil(clock, SECOND, async () => (await pendingOf(desk)).length === 2);
    expect(await pendingOf(desk)).toEqual(later);
    const pages: string[] = [];
    for (let cursor: string | null = null; ; ) {
      const { letters, next } = await desk.webhooks.deadLetters('7', cursor, 100);
      pages.push(...letters.map(({ event }) => event.id));
      if (next === null) break;
      cursor = next;
    }
    expect(pages).toEqual(ids);
  });

  it('replays all there are, each session in its order', async () => {
    const { clock, desk, port } = await deskWithNobody();
    const ids = await desk.append('7', 'sales', 45);
    await passUntil(clock, HOUR, async () => (await countsOf(desk)).dead === 45);
    const receiver = await startReceiver(undefined, port);
    expect(await desk.webhooks.replay('7', null)).toEqual({ replayed: 45, unknown: [] });
    await passUntil(clock, SECOND, () => receiver.taken.length === 45);
    expect(receiver.ids).toEqual(ids);
  });
});
