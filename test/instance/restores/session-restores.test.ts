import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../helpers/eventually.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { ORIGIN } from '../profile/profile-files.ts';
import { KEY, markOf, RESTORE, RestoreBench, TAKEN_AT } from './restore-bench.ts';

async function bench(grants?: ConstructorParameters<typeof RestoreBench>[1]): Promise<RestoreBench> {
  const made = new RestoreBench(await temporaryDirectory(), grants);
  onTestFinished(() => made.close());
  return made;
}

/** A session that runs, linked, on the profile `now`, and a restore of it with the profile `old` prepared. */
async function prepared(changes: Parameters<RestoreBench['prepare']>[2] = {}) {
  const made = await bench();
  const session = await made.link('now');
  const directory = await made.prepare({ ...session.record }, 'old', changes);
  return { made, session, directory };
}

describe('a restore at the owner', () => {
  it('puts the profile in place, starts the session with it, and keeps what it replaced in the trash', async () => {
    const { made, session, directory } = await prepared();
    const { link_id } = session.record;
    const answer = await made.restores.restore(KEY, false);
    await eventually(() => made.started.at(-1) === 'old');
    expect(answer.session).toMatchObject({
      session_id: 'main',
      status: expect.stringMatching(/stopped|starting/),
    });
    expect(await made.inTrash(answer.trash)).toBe('now');
    expect(await markOf(made.profile())).toBe('old');
    expect(made.told).toEqual([Date.parse(TAKEN_AT)]);
    expect(existsSync(directory)).toBe(false);
    expect(await made.record()).toMatchObject({ linked: true, link_id, should_run: true, generation: 1 });
    expect(made.clients.most).toBe(1);
  });

  it('takes the good copies of the replaced profile along, so that none of them comes back', async () => {
    const { made, session } = await prepared();
    await made.manager.stop('7', 'main');
    await made.manager.start('7', 'main');
    await eventually(() => made.started.at(-1) === 'now' && made.clients.running === 1);
    const name = { workspace: '7', session: 'main', generation: 1 };
    expect(existsSync(made.paths.goodCopies(name))).toBe(true);
    const { trash } = await made.restores.restore(KEY, false);
    expect(existsSync(made.paths.goodCopies(name))).toBe(false);
    expect(existsSync(join(made.paths.trash('7'), trash ?? '', 'good-copies'))).toBe(true);
    expect(session.record.linked).toBe(true);
  });

  it('answers the same when it is asked again, and changes nothing', async () => {
    const { made } = await prepared();
    const first = await made.restores.restore(KEY, false);
    await eventually(() => made.started.at(-1) === 'old');
    const again = await made.restores.restore(KEY, false);
    expect(again.trash).toBe(first.trash);
    expect(made.started.filter((mark) => mark === 'old')).toHaveLength(1);
  });

  it('leaves a session stopped that was stopped when it was backed up', async () => {
    const { made, session } = await prepared();
    await made.prepare({ ...session.record, should_run: false });
    const { session: now } = await made.restores.restore(KEY, false);
    expect(now?.status).toBe('stopped');
    expect(made.clients.running).toBe(0);
    expect(await made.record()).toMatchObject({ should_run: false, linked: true });
  });

  it('makes a session that is not there, in a workspace that nobody owned', async () => {
    const { made, session } = await prepared();
    const other = await bench();
    await other.prepare({ ...session.record });
    const answer = await other.restores.restore(KEY, true);
    await eventually(() => other.started.at(-1) === 'old');
    expect(answer.trash).toBeNull();
    expect(await other.record()).toMatchObject({
      linked: true,
      generation: 1,
      created_at: session.record.created_at,
    });
    await made.close();
  });

  it('restores one that rests, and was not copied to the generation of its new owner yet; and undoes that', async () => {
    const root = await temporaryDirectory();
    const first = new RestoreBench(root);
    const { record } = await first.link('now');
    const backup = { ...record };
    await first.manager.stop('7', 'main');
    await first.close();
    const second = new RestoreBench(root, { takenOver: true });
    onTestFinished(() => second.close());
    await second.run();
    expect(second.session.record.generation).toBe(1);
    await second.prepare(backup);
    const { trash } = await second.restores.restore(KEY, false);
    await eventually(() => second.started.at(-1) === 'old');
    expect(await second.inTrash(trash)).toBe('now');
    expect(await second.record()).toMatchObject({ generation: 2, should_run: true });
    await second.undos.undo(KEY, false);
    expect(await second.record()).toMatchObject({ generation: 2, should_run: false });
    expect(await markOf(second.profile())).toBe('now');
  });

  it('restores sessions whose storage was wiped under a running browser, also without the claims', async () => {
    const made = await bench();
    const session = await made.link('now');
    await rm(made.paths.workspace('7'), { recursive: true });
    await made.prepare({ ...session.record });
    const { trash } = await made.restores.restore(KEY, false);
    await eventually(() => made.started.at(-1) === 'old');
    expect(await made.inTrash(trash)).toBe('none');
    expect(await made.record()).toMatchObject({ linked: true, should_run: true });
    await expect(made.undos.undo(KEY, false)).rejects.toMatchObject({ code: 'invalid_state' });
  });

  it('brings a session back that was logged out since its profile was lost', async () => {
    const made = await bench();
    const session = await made.link('now');
    const backup = { ...session.record };
    await rm(made.profile(), { recursive: true });
    await made.manager.restart('7', 'main');
    await eventually(() => made.started.length === 2);
    made.clients.last.events.qr('a QR');
    await eventually(() => session.status === 'logged_out');
    expect(session.record).toMatchObject({ linked: false, link_ended: 'lost' });
    await made.prepare(backup);
    await made.restores.restore(KEY, false);
    await eventually(() => made.started.at(-1) === 'old');
    expect(await made.record()).toMatchObject({ linked: true, link_id: backup.link_id, link_ended: null });
  });

  it('takes a copy without a link back to asking for one, and the profile goes to the trash', async () => {
    const { made, session } = await prepared();
    await made.prepare(
      { ...session.record, linked: false, link_id: null, phone_number: null, should_run: false },
      null,
      { forced: true },
    );
    const { trash } = await made.restores.restore(KEY, false);
    expect(await made.inTrash(trash)).toBe('now');
    expect(await made.record()).toMatchObject({ linked: false, phone_number: null });
    expect(made.told).toEqual([]);
  });
});

describe('a restore is refused, and nothing stopped for it', () => {
  it.each([
    ['relinked', { link_id: 'another' }],
    ['deleted', { created_at: '2026-11-20T00:00:00.000Z' }],
  ])('where the session was %s since, unless it is forced', async (refusal, change) => {
    const { made, session } = await prepared();
    await made.prepare({ ...session.record, ...change });
    await expect(made.restores.restore(KEY, false)).rejects.toMatchObject({
      code: 'restore_refused',
      extra: { refusal },
    });
    expect(made.clients.running).toBe(1);
    expect(made.clients.made).toHaveLength(1);
    await made.prepare({ ...session.record, ...change }, 'old', { forced: true });
    await made.restores.restore(KEY, false);
    await eventually(() => made.started.at(-1) === 'old');
  });

  it('where it was logged out since, or deleted whole', async () => {
    const { made, session } = await prepared();
    const backup = { ...session.record };
    await made.manager.logout('7', 'main');
    await expect(made.restores.restore(KEY, false)).rejects.toMatchObject({
      extra: { refusal: 'logged_out' },
    });
    await made.manager.delete('7', 'main');
    await expect(made.restores.restore(KEY, false)).rejects.toMatchObject({ extra: { refusal: 'deleted' } });
    await made.prepare(backup, 'old', { forced: true });
    await made.restores.restore(KEY, false);
    await eventually(() => made.started.at(-1) === 'old');
  });

  it('where a newer Chromium wrote the profile, a file differs, one is missing or too many, or its database is damaged', async () => {
    const { made, session, directory } = await prepared({ chromium: '999.0.0.0' });
    await expect(made.restores.restore(KEY, false)).rejects.toMatchObject({ code: 'chromium_too_old' });
    await made.prepare({ ...session.record });
    const log = join(directory, 'profile', ORIGIN, '000004.log');
    await writeFile(log, 'other content');
    await expect(made.restores.restore(KEY, false)).rejects.toMatchObject({ code: 'storage_unavailable' });
    await rm(join(directory, 'profile'), { recursive: true });
    await made.prepare({ ...session.record });
    await rm(join(directory, 'profile', ORIGIN, '000005.ldb'));
    await expect(made.restores.restore(KEY, false)).rejects.toMatchObject({
      message: expect.stringContaining('is missing'),
    });
    await made.prepare({ ...session.record });
    const manifest = JSON.parse(await readFile(join(directory, 'prepared.json'), 'utf8'));
    manifest.files = manifest.files.filter(({ path }: { path: string }) => !path.endsWith('.ldb'));
    await writeFile(join(directory, 'prepared.json'), JSON.stringify(manifest));
    await expect(made.restores.restore(KEY, false)).rejects.toMatchObject({
      message: expect.stringContaining('was not there'),
    });
    expect(made.clients.made).toHaveLength(1);
    expect(made.clients.running).toBe(1);
  }, 60_000);

  it('where nothing is prepared, or what is there is of another session', async () => {
    const made = await bench();
    const session = await made.link('now');
    await expect(made.restores.restore(KEY, false)).rejects.toMatchObject({ code: 'restore_not_found' });
    await made.prepare({ ...session.record, session_id: 'other' });
    await expect(made.restores.restore(KEY, false)).rejects.toMatchObject({ code: 'restore_not_found' });
  }, 30_000);

  it('where there is no room for it: what is there stays as it is', async () => {
    const made = await bench({ capacity: 1 });
    const session = await made.link('now');
    const backup = { ...session.record };
    await made.manager.stop('7', 'main');
    await made.manager.create('7', 'other', { account_id: null, proxy: null }, false);
    const directory = await made.prepare(backup);
    await expect(made.restores.restore(KEY, false)).rejects.toMatchObject({ code: 'no_capacity' });
    expect(await markOf(made.profile())).toBe('now');
    expect(existsSync(directory)).toBe(true);
  });
});

describe('a session whose record cannot be read', () => {
  it('is left alone, and replaced where that is forced: what is there goes to the trash whole', async () => {
    const root = await temporaryDirectory();
    const first = new RestoreBench(root);
    const backup = { ...(await first.link('now')).record };
    await first.close();
    await first.store.settled();
    await writeFile(first.paths.ownersRecord('7', 'main', 1), 'no record');
    const second = new RestoreBench(root);
    onTestFinished(() => second.close());
    await second.run();
    await second.prepare(backup);
    await expect(second.restores.restore(KEY, false)).rejects.toMatchObject({ code: 'storage_unavailable' });
    await second.prepare(backup, 'old', { forced: true });
    expect((await second.restores.restore(KEY, false)).trash).toBeNull();
    await eventually(() => second.started.at(-1) === 'old');
    expect((await second.placesOf('now')).every((place) => place.includes('/trash/'))).toBe(true);
    expect(await second.placesOf('now')).not.toEqual([]);
  });
});

describe('undoing a restore', () => {
  it('puts back what was replaced, with its good copies and its record', async () => {
    const { made, session } = await prepared();
    await made.prepare({ ...session.record, account_id: 'of before' });
    const { trash } = await made.restores.restore(KEY, false);
    await eventually(() => made.started.at(-1) === 'old');
    expect(session.record.account_id).toBe('of before');
    const answer = await made.undos.undo(KEY, false);
    await eventually(() => made.started.at(-1) === 'now');
    expect(await made.inTrash(answer.trash)).toBe('old');
    expect(await made.inTrash(trash)).toBe('none');
    expect(session.record.account_id).toBeNull();
    expect(await markOf(made.profile())).toBe('now');
    expect((await made.undos.undo(KEY, false)).trash).toBe(answer.trash);
    expect(made.started.filter((mark) => mark === 'now')).toHaveLength(1);
    await expect(made.restores.restore(KEY, false)).rejects.toMatchObject({ code: 'invalid_state' });
  });

  it('removes a session again that the restore had made', async () => {
    const { session } = await prepared();
    const other = await bench();
    await other.prepare({ ...session.record });
    await other.restores.restore(KEY, true);
    await eventually(() => other.started.at(-1) === 'old');
    expect(await other.undos.undo(KEY, false)).toEqual({ session: null, trash: null });
    expect(() => other.session).toThrow('has no session');
    expect(other.clients.running).toBe(0);
    expect(await other.placesOf('old')).toHaveLength(1);
    expect(await other.undos.undo(KEY, false)).toEqual({ session: null, trash: null });
  });

  it('brings back a link that a forced restore of a dead device cost', async () => {
    const { made, session } = await prepared();
    const { link_id } = session.record;
    await made.prepare({ ...session.record, link_id: 'dead' }, 'old', { forced: true });
    await made.restores.restore(KEY, false);
    await eventually(() => made.started.at(-1) === 'old');
    made.clients.last.events.loggedOut();
    await eventually(() => session.status === 'logged_out');
    await made.undos.undo(KEY, false);
    await eventually(() => made.started.at(-1) === 'now');
    expect(await made.record()).toMatchObject({ linked: true, link_id });
  });

  it('is refused where the session was linked anew or deleted since, and where the trash was purged', async () => {
    const { made, session } = await prepared();
    const { trash } = await made.restores.restore(KEY, false);
    await eventually(() => made.started.at(-1) === 'old');
    await made.manager.logout('7', 'main');
    await made.manager.start('7', 'main');
    await eventually(() => made.clients.running === 1 && made.started.at(-1) === 'none');
    made.clients.last.becomeReady();
    await eventually(() => session.record.link_id);
    await expect(made.undos.undo(KEY, false)).rejects.toMatchObject({ extra: { refusal: 'relinked' } });
    await made.manager.delete('7', 'main');
    await expect(made.undos.undo(KEY, false)).rejects.toMatchObject({ extra: { refusal: 'deleted' } });
    await rm(join(made.paths.trash('7'), trash ?? ''), { recursive: true });
    await expect(made.undos.undo(KEY, false)).rejects.toMatchObject({
      code: 'restore_not_found',
      message: expect.stringContaining(RESTORE),
    });
  });
});
