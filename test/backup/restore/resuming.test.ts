import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { restoreRequestSchema } from '../../../fleet/backup/api.ts';
import { aSessionRecord } from '../../helpers/backed-up-session.ts';
import { eventually } from '../../helpers/eventually.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { Backups, RestoreFleet } from './restore-fleet.ts';

const ALL = restoreRequestSchema.parse({});
const SECOND = restoreRequestSchema.parse({ session_id: 'second' });

function of(session_id: string) {
  return restoreRequestSchema.parse({ session_id });
}

/** A fleet without sessions, and a backup with two; orders to instances wait until they are let go, by session. */
async function scene() {
  const root = await temporaryDirectory();
  const backups = new Backups();
  const fleet = new RestoreFleet(root, backups);
  onTestFinished(() => fleet.close());
  const records = ['main', 'second'].map((session_id) => aSessionRecord({ session_id }));
  backups.add(await Promise.all(records.map((record) => backups.session(record))));
  const orders: string[] = [];
  const held = new Map<string, Promise<void>>();
  fleet.beforeOrder = async (_what, session) => {
    orders.push(session);
    await held.get(session);
    fleet.term.signal.throwIfAborted();
  };
  const hold = (session: string) => {
    let resolve = () => {};
    const promise = new Promise<void>((done) => {
      resolve = done;
    });
    held.set(session, promise);
    return () => {
      held.delete(session);
      resolve();
    };
  };
  return { root, backups, fleet, orders, hold };
}

/** A restore whose service lost its lease when one of two sessions was done, as the next service finds it. */
async function interrupted() {
  const { root, backups, fleet, orders, hold } = await scene();
  const release = hold('second');
  const { id } = await fleet.restorer.begin(ALL);
  const job = join(root, `fleet/restores/${id}.json`);
  const states = async () =>
    JSON.parse(await readFile(job, 'utf8')).restore.sessions.map(({ state }: { state: string }) => state);
  await eventually(async () => (await states()).join() === 'restored,switching');
  fleet.term.abort(new Error('the lease is lost'));
  const text = await readFile(job, 'utf8');
  release();
  await fleet.restorer.idle();
  await writeFile(job, text);
  const next = new RestoreFleet(root, backups, fleet.bench);
  return { id: id ?? '', job, next, orders };
}

describe('restores that are gone on with by the next holder of the lease', () => {
  it('are not those that were begun meanwhile: each is carried out once', async () => {
    const { fleet, orders, hold } = await scene();
    const [releaseMain, releaseSecond] = [hold('main'), hold('second')];
    const first = await fleet.restorer.begin(of('main'));
    await eventually(() => orders.includes('main'));
    const resumed = fleet.restorer.resume(fleet.term.signal);
    const second = await fleet.restorer.begin(SECOND);
    await eventually(() => orders.includes('second'));
    releaseMain();
    await fleet.ended(first.id);
    await resumed;
    await expect(fleet.restorer.begin(SECOND)).rejects.toMatchObject({ code: 'backup_busy' });
    releaseSecond();
    expect((await fleet.ended(second.id)).state).toBe('done');
    await fleet.restorer.idle();
    expect(orders).toEqual(['main', 'second']);
  }, 30_000);

  it('cannot be undone or ended before that, and it is said what to do', async () => {
    const { id, next } = await interrupted();
    const notYet = { code: 'backup_unavailable', message: expect.stringContaining('Try again') };
    await expect(next.restorer.undo(id)).rejects.toMatchObject(notYet);
    await expect(next.restorer.cancel(id)).rejects.toMatchObject(notYet);
    await next.restorer.resume(next.term.signal);
    expect((await next.ended(id)).sessions.map(({ state }) => state)).toEqual(['restored', 'restored']);
    expect((await next.restorer.undo(id)).state).toBe('undoing');
    await next.restorer.idle();
  }, 30_000);

  it('are found also where the storage could not be read at first', async () => {
    const { id, job, next } = await interrupted();
    const directory = join(job, '..');
    await rename(directory, `${directory}-away`);
    await writeFile(directory, 'no directory');
    const resumed = next.restorer.resume(next.term.signal);
    await expect(next.restorer.list()).rejects.toMatchObject({ code: 'storage_unavailable' });
    await rename(directory, `${directory}-no`);
    await rename(`${directory}-away`, directory);
    await resumed;
    expect((await next.ended(id)).state).toBe('done');
  }, 30_000);

  it('keep to it that somebody ended them: what was only prepared is not put in place', async () => {
    const { id, job, next, orders } = await interrupted();
    const known = JSON.parse(await readFile(job, 'utf8'));
    known.cancel = true;
    known.restore.sessions[1].state = 'preparing';
    await writeFile(job, JSON.stringify(known));
    const asked = orders.length;
    await next.restorer.resume(next.term.signal);
    expect((await next.ended(id)).sessions.map(({ state }) => state)).toEqual(['restored', 'cancelled']);
    expect(orders).toHaveLength(asked);
  }, 30_000);
});
