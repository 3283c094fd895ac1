import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WharfError } from '../../../common/errors.ts';
import { restoreRequestSchema } from '../../../fleet/backup/api.ts';
import { aSessionRecord, objectKey } from '../../helpers/backed-up-session.ts';
import { eventually } from '../../helpers/eventually.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { treeOf } from '../../instance/profile/profile-files.ts';
import { markOf } from '../../instance/restores/restore-bench.ts';
import { BACKUP, Backups, RestoreFleet, TOKEN } from './restore-fleet.ts';

const ALL = restoreRequestSchema.parse({});

function request(changes: object) {
  return restoreRequestSchema.parse(changes);
}

/** A fleet with nothing on its storage, and backups. */
async function fleet(): Promise<{ fleet: RestoreFleet; backups: Backups; root: string }> {
  const root = await temporaryDirectory();
  const backups = new Backups();
  const made = new RestoreFleet(root, backups);
  onTestFinished(() => made.close());
  return { fleet: made, backups, root };
}

/** One whose session `main` runs on the profile `now`, with a backup of it as `old`. */
async function running() {
  const made = await fleet();
  const session = await made.fleet.bench.link('now');
  made.backups.add([await made.backups.session({ ...session.record })]);
  return { ...made, session };
}

/** One whose service lost the lease in the middle of a restore. */
async function leftInTheMiddle() {
  const { fleet: first, backups, root } = await running();
  first.beforeOrder = async () => {
    first.term.abort(new Error('the lease was lost'));
    throw new Error('the lease was lost');
  };
  const { id } = await first.restorer.begin(ALL);
  await first.restorer.idle();
  return { first, id, backups, root };
}

describe('a restore', () => {
  it('restores everything into an empty share, with the files of the fleet and the token', async () => {
    const { fleet: live, backups, root } = await fleet();
    const records = ['a', 'b', 'c', 'd', 'e', 'f'].map((session_id) =>
      aSessionRecord({ session_id, generation: 5 }),
    );
    backups.add(await Promise.all(records.map((record) => backups.session(record))), {
      fleet: [{ path: 'webhooks/7.json', text: '{"url":"https://example.com"}' }],
    });
    const begun = await live.restorer.begin(ALL);
    expect(begun).toMatchObject({ state: 'running', backup: BACKUP, fleet_files: ['webhooks/7.json'] });
    const ended = await live.ended(begun.id);
    expect(ended.state).toBe('done');
    expect(ended.sessions.map(({ state, action, trash }) => [state, action, trash])).toEqual(
      records.map(() => ['restored', 'create', null]),
    );
    expect(ended.done_bytes).toBe(ended.bytes);
    await eventually(() => live.bench.started.length === 6);
    expect(new Set(live.bench.started)).toEqual(new Set(['old']));
    expect(await readFile(join(root, 'fleet/webhooks/7.json'), 'utf8')).toContain('example.com');
    expect((await readFile(join(root, 'fleet/internal-token'), 'utf8')).trim()).toBe(TOKEN);
    await live.restorer.idle();
    expect(live.told).toEqual([
      {
        type: 'restore.completed',
        restore: begun.id,
        backup: BACKUP,
        restored: 6,
        refused: 0,
        failed: 0,
        duration_seconds: expect.any(Number),
      },
    ]);
  });

  it('never writes over files of the fleet that are there', async () => {
    const { fleet: live, backups, root } = await fleet();
    backups.add([], {
      fleet: [
        { path: 'keys/a.json', text: 'of the backup' },
        { path: 'keys/b.json', text: 'of the backup' },
        { path: 'keys/c.json', text: 'revoked since' },
      ],
    });
    await mkdir(join(root, 'fleet/keys'), { recursive: true });
    await writeFile(join(root, 'fleet/keys/c.revoked'), '');
    await writeFile(join(root, 'fleet/keys/a.json'), 'of today');
    const { id } = await live.restorer.begin(ALL);
    expect((await live.ended(id)).fleet_files).toEqual(['keys/b.json']);
    expect(await readFile(join(root, 'fleet/keys/a.json'), 'utf8')).toBe('of today');
    expect(await readFile(join(root, 'fleet/keys/b.json'), 'utf8')).toBe('of the backup');
  });

  it("of a workspace writes its webhook back, and nobody else's file", async () => {
    const { fleet: live, backups, root } = await fleet();
    backups.add([await backups.session(aSessionRecord({ workspace_id: '7', session_id: 'a' }))], {
      fleet: ['webhooks/7.json', 'webhooks/8.json', 'keys/a.json'].map((path) => ({ path, text: '{}' })),
    });
    const { id } = await live.restorer.begin(request({ workspace_id: '7' }));
    expect((await live.ended(id)).fleet_files).toEqual(['webhooks/7.json']);
    expect(await readFile(join(root, 'fleet/webhooks/7.json'), 'utf8')).toBe('{}');
  });

  it('tells what it would change, and changes nothing, for a dry run', async () => {
    const { fleet: live, root, session } = await running();
    await live.bench.store.settled();
    const before = await treeOf(root);
    const plan = await live.restorer.plan(request({ dry_run: true }));
    expect(await treeOf(root)).toEqual(before);
    expect(live.bench.clients.made).toHaveLength(1);
    expect(plan).toMatchObject({ id: null, state: 'planned', done_bytes: 0 });
    expect(plan.sessions).toEqual([
      expect.objectContaining({
        workspace_id: 7,
        session_id: 'main',
        state: 'waiting',
        action: 'replace',
        status: session.status,
        refusal: null,
      }),
    ]);
    expect(plan.bytes).toBeGreaterThan(0);
    expect(plan.warnings.join(' ')).toMatch(
      /WhatsApp's servers have seen more since.*"waiting".*do not come again/,
    );
    expect(plan.warnings.join(' ')).toContain('wharf restore --undo');
  });

  it('leaves a session alone that was linked anew since, names it, and restores it where it is forced; then that is undone', async () => {
    const { fleet: live, backups, session } = await running();
    await live.bench.manager.logout('7', 'main');
    await live.bench.manager.start('7', 'main');
    await eventually(() => live.bench.clients.made.length === 2 && live.bench.clients.running === 1);
    live.bench.clients.last.becomeReady();
    await eventually(async () => (await live.bench.record())?.linked);
    const { link_id } = session.record;
    await expect(live.restorer.begin(ALL)).rejects.toMatchObject({
      code: 'restore_refused',
      message: expect.stringMatching(/linked anew.*force/),
      extra: { refusal: 'relinked' },
    });
    expect((await live.restorer.plan(ALL)).sessions[0]).toMatchObject({
      state: 'refused',
      refusal: 'relinked',
    });
    const { id, warnings } = await live.restorer.begin(request({ force: true }));
    expect(warnings.join(' ')).toContain('will be logged out');
    expect((await live.ended(id)).sessions[0]).toMatchObject({ state: 'restored', refusal: 'relinked' });
    expect(session.record.link_id).toBe(backups.manifests[0]?.sessions[0]?.record.link_id);
    await live.restorer.undo(id ?? '');
    expect(await live.ended(id)).toMatchObject({ state: 'undone', sessions: [{ state: 'undone' }] });
    expect(session.record.link_id).toBe(link_id);
  });

  it('fails a session whose archive is damaged by its name, leaves nothing of it, and restores the others', async () => {
    const { fleet: live, backups } = await fleet();
    const [a, b, c] = await Promise.all(
      ['a', 'b', 'c'].map((session_id) =>
        backups.session(aSessionRecord({ session_id }), `old-${session_id}`),
      ),
    );
    if (!a || !b || !c) throw new Error('three were backed up');
    backups.add([a, b, c]);
    const broken = backups.store.objects.get(objectKey(b.archive ?? { sha256: '' }));
    if (!broken) throw new Error('there is no such object');
    broken.content[broken.content.length >> 1] = (broken.content[broken.content.length >> 1] ?? 0) ^ 1;
    const { id } = await live.restorer.begin(ALL);
    const ended = await live.ended(id);
    expect(ended.state).toBe('failed');
    expect(ended.sessions.map(({ session_id, state }) => `${session_id} ${state}`)).toEqual([
      'a restored',
      'b failed',
      'c restored',
    ]);
    expect(ended.sessions[1]?.error).toMatch(/damaged|not what/i);
    expect(existsSync(live.bench.paths.preparedRestore('7', 'b', id ?? ''))).toBe(false);
    await live.restorer.idle();
    expect(live.told).toEqual([expect.objectContaining({ restored: 2, failed: 1 })]);
    await eventually(() => live.bench.started.length === 2);
  });

  it('is cancelled between sessions: those that were restored stay, and nothing is left of the others', async () => {
    const { fleet: live, backups } = await fleet();
    const ids = Array.from({ length: 12 }, (_, index) => `s${index}`);
    backups.add(await Promise.all(ids.map((session_id) => backups.session(aSessionRecord({ session_id })))));
    let cancelled: Promise<unknown> | undefined;
    let id: string | null = null;
    live.beforeOrder = async () => {
      if (id !== null) cancelled ??= live.restorer.cancel(id);
      await cancelled;
    };
    ({ id } = await live.restorer.begin(ALL));
    const ended = await live.ended(id);
    const count = (state: string) => ended.sessions.filter((item) => item.state === state).length;
    expect(ended.state).toBe('cancelled');
    expect(count('restored')).toBeGreaterThan(0);
    expect(count('cancelled')).toBeGreaterThan(0);
    expect(count('restored') + count('cancelled')).toBe(12);
    for (const { session_id } of ended.sessions)
      expect(existsSync(live.bench.paths.preparedRestore('7', session_id, id ?? ''))).toBe(false);
    await expect(live.restorer.cancel(id ?? '')).rejects.toMatchObject({ code: 'invalid_state' });
  });

  it('tries again what may pass, and names what an owner refuses for good', async () => {
    const { fleet: live, backups } = await running();
    let tries = 0;
    live.beforeOrder = async () => {
      tries += 1;
      if (tries < 3) throw new WharfError('instance_unavailable', 'it is being taken over');
      throw new WharfError('chromium_too_old', 'too old for it');
    };
    const { id } = await live.restorer.begin(ALL);
    const ended = await live.ended(id);
    expect(ended.sessions[0]).toMatchObject({ state: 'failed', error: 'too old for it' });
    expect(tries).toBe(3);
    expect(await markOf(live.bench.profile())).toBe('now');
    expect(backups.manifests).toHaveLength(1);
  }, 30_000);

  it('refuses a second one of the same session while it goes on, and an undo', async () => {
    const { fleet: live } = await running();
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    live.beforeOrder = () => held;
    const { id } = await live.restorer.begin(ALL);
    await expect(live.restorer.begin(ALL)).rejects.toMatchObject({
      code: 'backup_busy',
      extra: { restore: id },
    });
    await expect(live.restorer.undo(id ?? '')).rejects.toMatchObject({ code: 'invalid_state' });
    expect((await live.restorer.list())[0]).toMatchObject({ id, state: 'running' });
    release();
    await live.ended(id);
    await live.restorer.begin(ALL);
  });

  it('is undone: each session is as it was, and a second undo answers the same', async () => {
    const { fleet: live } = await running();
    const { id } = await live.restorer.begin(ALL);
    await live.ended(id);
    await eventually(() => live.bench.started.at(-1) === 'old');
    expect(await live.restorer.undo(id ?? '')).toMatchObject({ state: 'undoing' });
    const ended = await live.ended(id);
    expect(ended).toMatchObject({ state: 'undone', sessions: [{ state: 'undone' }] });
    await eventually(() => live.bench.started.at(-1) === 'now');
    expect(await live.restorer.undo(id ?? '')).toMatchObject({ state: 'undone' });
    await expect(live.restorer.undo('r-20261122T093000Z-000000')).rejects.toMatchObject({
      code: 'restore_not_found',
      message: expect.stringContaining(id ?? ''),
    });
  });

  it('that is not undone says why, in the session and in the log, and stays as it is', async () => {
    const { fleet: live } = await running();
    const { id } = await live.restorer.begin(ALL);
    await live.ended(id);
    live.beforeOrder = async () => {
      throw new WharfError('restore_refused', 'it was linked anew since');
    };
    await live.restorer.undo(id ?? '');
    const error = 'it was linked anew since';
    expect(await live.ended(id)).toMatchObject({ state: 'failed', sessions: [{ state: 'restored', error }] });
    expect(live.logged).toEqual([
      expect.objectContaining({
        restore: id,
        workspace: 7,
        session: 'main',
        reason: error,
        msg: 'the restore of a session could not be undone',
      }),
    ]);
    expect(await markOf(live.bench.profile())).toBe('old');
  });

  it('is gone on with by whoever holds the lease next, where its service lost it in the middle', async () => {
    const { first, id, backups, root } = await leftInTheMiddle();
    const second = new RestoreFleet(root, backups, first.bench);
    onTestFinished(() => second.close());
    expect((await second.restorer.get(id ?? '')).state).toBe('running');
    await second.restorer.resume(second.term.signal);
    expect((await second.ended(id)).sessions[0]).toMatchObject({ state: 'restored' });
    await eventually(() => first.bench.started.at(-1) === 'old');
  });
});

describe('a restore that cannot go on', () => {
  it('fails by name where its backup is gone when another service takes over; one that the storage refuses is not begun', async () => {
    const { first, id, backups, root } = await leftInTheMiddle();
    const [manifest] = backups.manifests.splice(0);
    const second = new RestoreFleet(root, backups, first.bench);
    onTestFinished(() => second.close());
    await second.restorer.resume(second.term.signal);
    expect(await second.ended(id)).toMatchObject({
      state: 'failed',
      sessions: [{ state: 'failed', error: expect.stringContaining(`no backup ${BACKUP}`) }],
    });

    backups.manifests.push({
      ...(manifest ?? backups.add([])),
      fleet: [{ path: 'keys/a.json', text: '{}' }],
    });
    await writeFile(join(root, 'fleet/keys'), 'a file is in the way');
    await expect(second.restorer.begin(ALL)).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: expect.stringContaining('fleet/keys'),
    });
    expect(await markOf(first.bench.profile())).toBe('now');
  });
});

describe('restores of long ago', () => {
  it('are forgotten beyond the newest hundred, with what an owner left of a session that failed; those that go on are not', async () => {
    const { fleet: live, backups, root } = await running();
    const { id } = await live.restorer.begin(ALL);
    const ended = await live.ended(id);
    await live.restorer.idle();
    const directory = join(root, 'fleet/restores');
    const old = 'r-20250101T000000Z-000000';
    const left = await live.bench.prepare({ ...live.bench.session.record }, null, { restore: old });
    const sessions = ended.sessions.map((item) => ({ ...item, state: 'failed' as const }));
    for (let index = 0; index < 100; index += 1) {
      const name =
        index === 0
          ? old
          : `r-20260101T0000${String(index % 60).padStart(2, '0')}Z-${String(index).padStart(6, '0')}`;
      const job = { version: 1, cancel: false, restore: { ...ended, id: name, state: 'failed', sessions } };
      await writeFile(join(directory, `${name}.json`), JSON.stringify(job));
    }
    const next = new RestoreFleet(root, backups, live.bench);
    onTestFinished(() => next.close());
    expect(existsSync(left)).toBe(true);
    await next.restorer.resume(next.term.signal);
    expect(existsSync(left)).toBe(false);
    expect(existsSync(join(directory, `${old}.json`))).toBe(false);
    expect(await next.restorer.list()).toHaveLength(100);
    expect((await next.restorer.list())[0]?.id).toBe(id);
  });
});

describe('what is known of a session that is not there', () => {
  it('is that it was deleted, where the trash holds it, or a later backup does not know it though its workspace stood all the time', async () => {
    const { fleet: live, backups } = await running();
    await live.bench.manager.delete('7', 'main');
    expect((await live.restorer.plan(ALL)).sessions[0]).toMatchObject({
      refusal: 'deleted',
      action: 'create',
    });

    const [entry] = await live.bench.placesOf('now');
    expect(entry).toContain('/trash/');
    await rm(live.bench.paths.trash('7'), { recursive: true });
    expect((await live.restorer.plan(ALL)).sessions[0]).toMatchObject({ refusal: null });
    const later = { started_at: '2030-11-22T09:00:03.000Z', finished_at: '2030-11-22T09:00:41.000Z' };
    backups.add([], { id: '20301122T090003Z', ...later });
    const at = request({ at: BACKUP });
    expect((await live.restorer.plan(at)).sessions[0]).toMatchObject({ refusal: 'deleted' });
    // Wiped: what claimed it first came after that backup.
    backups.manifests[1] = {
      ...(backups.manifests[1] ?? backups.add([])),
      started_at: '2026-11-01T09:00:03.000Z',
    };
    expect((await live.restorer.plan(at)).sessions[0]).toMatchObject({ refusal: null });
  });

  it('is not that it was deleted, where only the clock of an earlier backup calls itself later', async () => {
    const { fleet: live, backups } = await running();
    await live.bench.manager.delete('7', 'main');
    await rm(live.bench.paths.trash('7'), { recursive: true });
    const ahead = '20301122T090003Z';
    const future = { started_at: '2030-11-22T09:00:03.000Z', finished_at: '2030-11-22T09:00:41.000Z' };
    backups.add([], { id: ahead, ...future });
    const plan = async () => (await live.restorer.plan(request({ at: BACKUP }))).sessions[0];
    // Put before the one that the session is in.
    backups.modified.set(ahead, Date.parse('2026-11-22T07:00:00Z'));
    expect(await plan()).toMatchObject({ refusal: null });
    // Put after it, but before what is on the storage now was claimed first.
    backups.modified.set(ahead, Date.parse('2026-11-22T08:10:00Z'));
    await writeClaim(live, '2026-11-22T08:20:00.000Z');
    expect(await plan()).toMatchObject({ refusal: null });
    await writeClaim(live, '2026-11-22T08:05:00.000Z');
    expect(await plan()).toMatchObject({ refusal: 'deleted' });
  });
});

/** Has the first claim of workspace 7 be of a time. */
async function writeClaim({ bench }: RestoreFleet, claimed_at: string): Promise<void> {
  const path = join(bench.paths.owners('7'), '1');
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), claimed_at }));
}
