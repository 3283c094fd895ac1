import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FileClaims } from '../../../fleet/file-claims.ts';
import type { CreateSession } from '../../../fleet/instance-api.ts';
import type { SessionRecord } from '../../../fleet/records.ts';
import { SessionPaths } from '../../../fleet/session-paths.ts';
import { SessionManager } from '../../../instance/session/session-manager.ts';
import { SessionStore } from '../../../instance/session/session-store.ts';
import { eventually } from '../../helpers/eventually.ts';
import { Granting } from '../../helpers/granting.ts';
import { aRecord } from '../../helpers/session-record.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { type ClientScript, FakeClients } from '../helpers/fake-clients.ts';
import { memoryParts } from '../helpers/session-parts.ts';

const SETTINGS: CreateSession = { account_id: null, proxy: null };
const me = { instance: 'instance-1', incarnation: 'a', host: 'here' };

/** A manager whose records and claims lie in a directory, and whose clients are scripted. */
async function make(given: { capacity?: number; script?: Partial<ClientScript>; root?: string } = {}) {
  const root = given.root ?? (await temporaryDirectory());
  const paths = new SessionPaths(root);
  const store = new SessionStore(paths);
  const clients = new FakeClients(given.script);
  const memory = memoryParts(clients, { store });
  const granting = new Granting(new FileClaims(paths), me);
  const removed: string[] = [];
  const manager = new SessionManager({
    ownership: granting.ownership,
    capacity: given.capacity ?? 10,
    host: me.host,
    closeWithin: 5000,
    log: memory.parts.log,
    onChange: () => {},
    onRemove: (workspace, session) => removed.push(`${workspace}/${session}`),
    onLeave: () => {},
    parts: memory.parts,
  });
  granting.to(manager);
  return { ...memory, root, paths, store, clients, granting, manager, removed };
}

describe('making a session', () => {
  it('makes one for two who ask at once, and gives the other the same', async () => {
    const { manager, clients, store } = await make();
    const both = await Promise.all([
      manager.create('7', 'main', SETTINGS, true),
      manager.create('7', 'main', SETTINGS, true),
    ]);
    expect(both.map(({ created }) => created)).toEqual([true, false]);
    expect(both[0]?.session).toBe(both[1]?.session);
    expect((await store.read('7', 'main'))?.record).toMatchObject({
      should_run: true,
      linked: false,
      generation: 1,
    });
    await manager.close(5000);
    expect(clients.made.length).toBeLessThanOrEqual(1);
  });

  it('refuses the same id with other settings, naming which', async () => {
    const { manager } = await make();
    await manager.create('7', 'main', SETTINGS, true);
    await expect(
      manager.create('7', 'main', { account_id: 'other', proxy: 'http://proxy:1' }, true),
    ).rejects.toMatchObject({
      code: 'session_exists',
      message: expect.stringContaining('account_id and proxy'),
    });
    await manager.close(5000);
  });

  it('keeps one id in two workspaces apart', async () => {
    const { manager } = await make();
    const one = await manager.create('7', 'main', SETTINGS, true);
    const other = await manager.create('8', 'main', { account_id: 'x', proxy: null }, true);
    expect(one.session).not.toBe(other.session);
    await manager.delete('7', 'main');
    expect(manager.get('8', 'main')).toBe(other.session);
    await manager.close(5000);
  });

  it('gives no place twice to those who come at once', async () => {
    const { manager } = await make({ capacity: 2 });
    const outcomes = await Promise.allSettled(
      ['a', 'b', 'c', 'd', 'e'].map((id) => manager.create('7', id, SETTINGS, true)),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected')
        expect(outcome.reason).toMatchObject({ code: 'no_capacity', retryAfter: 30, status: 503 });
    }
    expect(manager.occupied).toBe(2);
    await manager.close(5000);
  });

  it('has a place again when a session was stopped or deleted, and none for a start of one too many', async () => {
    const { manager } = await make({ capacity: 1 });
    await manager.create('7', 'a', SETTINGS, true);
    await manager.stop('7', 'a');
    await manager.create('7', 'b', SETTINGS, true);
    await expect(manager.start('7', 'a')).rejects.toMatchObject({ code: 'no_capacity' });
    await expect(manager.restart('7', 'a')).rejects.toMatchObject({ code: 'no_capacity' });
    await manager.restart('7', 'b');
    await manager.delete('7', 'b');
    await manager.start('7', 'a');
    await manager.close(5000);
  });

  it('takes no place where the record cannot be written', async () => {
    const { manager, paths } = await make({ capacity: 1 });
    await manager.create('7', 'x', SETTINGS, true);
    await manager.delete('7', 'x');
    await writeFile(paths.session('7', 'a'), 'a file is in the way');
    await expect(manager.create('7', 'a', SETTINGS, true)).rejects.toMatchObject({
      code: 'storage_unavailable',
    });
    expect(manager.occupied).toBe(0);
    await manager.create('7', 'b', SETTINGS, true);
    await manager.close(5000);
  });

  it('claims no workspace unless it may', async () => {
    const { manager } = await make();
    await expect(manager.create('7', 'main', SETTINGS, false)).rejects.toMatchObject({ code: 'not_owner' });
    expect(() => manager.get('7', 'main')).toThrow(expect.objectContaining({ code: 'not_owner' }));
  });

  it('takes the record that is on the storage for what it is, not for nothing', async () => {
    const { manager, store } = await make();
    await store.write(aRecord({ session_id: 'old', linked: true, phone_number: '1', should_run: false }), 1);
    const { session, created } = await manager.create('7', 'old', SETTINGS, true);
    expect(created).toBe(false);
    expect(session.record).toMatchObject({ linked: true, phone_number: '1' });
    await expect(
      manager.create('7', 'old', { account_id: 'other', proxy: null }, true),
    ).rejects.toMatchObject({ code: 'session_exists' });
  });

  it('does not write over a record that cannot be read', async () => {
    const { manager, paths } = await make();
    const path = paths.sessionRecord('7', 'torn');
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, '{"version": 1, "link');
    await expect(manager.create('7', 'torn', SETTINGS, true)).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: expect.stringContaining(path),
    });
    expect(await readFile(path, 'utf8')).toBe('{"version": 1, "link');
  });
});

describe('restoring', () => {
  it('starts those that should run, and leaves the others; an unreadable record keeps none from it', async () => {
    const { manager, store, granting, paths, clients, lines } = await make();
    await store.write(aRecord({ session_id: 'a' }), 1);
    await store.write(aRecord({ session_id: 'stopped', should_run: false }), 1);
    await store.write(aRecord({ session_id: 'z' }), 1);
    for (const [id, text] of [
      ['torn', '{"version": 1, "wor'],
      ['future', JSON.stringify({ ...aRecord({ session_id: 'future' }), version: 2 })],
      ['copied', JSON.stringify(aRecord({ session_id: 'a' }))],
    ] as const) {
      await mkdir(paths.session('7', id), { recursive: true });
      await writeFile(paths.sessionRecord('7', id), text);
    }
    await mkdir(paths.session('7', 'empty'), { recursive: true });
    await mkdir(`${paths.workspace('7')}/session_not an id`, { recursive: true });
    await granting.give('7');
    expect(
      manager
        .all()
        .map((session) => session.record.session_id)
        .sort(),
    ).toEqual(['a', 'stopped', 'z']);
    await eventually(() => clients.running === 2);
    expect(manager.get('7', 'stopped').status).toBe('stopped');
    const left = lines.filter((line) => String(line['msg']).includes('left alone'));
    expect(left.map((line) => line['session']).sort()).toEqual(['copied', 'future', 'torn']);
    // Who hears that there is no such session ends its messages.
    for (const id of ['torn', 'future', 'copied'])
      expect(() => manager.get('7', id)).toThrow(expect.objectContaining({ code: 'storage_unavailable' }));
    await store.write(aRecord({ session_id: 'torn' }), 1);
    await manager.create('7', 'torn', SETTINGS, false);
    await manager.delete('7', 'torn');
    for (const id of ['empty', 'other', 'torn'])
      expect(() => manager.get('7', id)).toThrow(expect.objectContaining({ code: 'session_not_found' }));
    await manager.close(5000);
  });
});

describe('closing', () => {
  it('ends all sessions in parallel, and what should run runs again after the next start', async () => {
    const stopping: (() => void)[] = [];
    const first = await make({
      script: { stop: () => new Promise((resolve) => stopping.push(() => resolve(true))) },
    });
    for (const id of ['a', 'b', 'c']) await first.manager.create('7', id, SETTINGS, true);
    await eventually(() => first.clients.running === 3);
    const closing = first.manager.close(60_000);
    await eventually(() => stopping.length === 3);
    for (const end of stopping) end();
    await closing;
    expect(first.clients.running).toBe(0);

    const second = await make({ root: first.root });
    await second.granting.giveAll();
    await eventually(() => second.clients.running === 3);
    expect(second.manager.get('7', 'a').epoch).toBe(2);
    await second.manager.close(5000);
  });

  it('comes to its end within the deadline, with a client that never does', async () => {
    const { manager, clients, lines } = await make({ script: { stop: () => new Promise(() => {}) } });
    await manager.create('7', 'main', SETTINGS, true);
    await eventually(() => clients.running === 1);
    const started = performance.now();
    await manager.close(100);
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(lines.at(-1)).toMatchObject({ sessions: 1, msg: expect.stringContaining('are killed') });
  });

  it('refuses all that comes after, and lets nothing that was under way start a browser', async () => {
    const { manager, clients, store } = await make();
    const { session } = await manager.create('7', 'main', SETTINGS, true);
    await eventually(() => clients.running === 1);
    const underWay = Promise.allSettled([
      manager.create('7', 'other', SETTINGS, true),
      manager.restart('7', 'main'),
      manager.start('7', 'main'),
    ]);
    await nextTurn();
    await manager.close(5000);
    await expect(manager.start('7', 'main')).rejects.toMatchObject({ code: 'shutting_down' });
    await expect(manager.create('7', 'new', SETTINGS, true)).rejects.toMatchObject({ code: 'shutting_down' });
    await underWay;
    await session.close();
    expect(clients.running).toBe(0);
    expect((await store.read('7', 'main'))?.record).toMatchObject({ should_run: true });
  });
});

describe('deleting', () => {
  it('logs out, moves all to the trash, and forgets it; the id is free', async () => {
    const { manager, clients, trash, removed } = await make();
    await manager.create('7', 'main', SETTINGS, true);
    await eventually(() => clients.running === 1);
    clients.last.becomeReady();
    expect(await manager.delete('7', 'main')).toBe(true);
    expect(trash.moved).toEqual(['main/gen-1', 'main']);
    expect(removed).toEqual(['7/main']);
    await expect(manager.delete('7', 'main')).rejects.toMatchObject({ code: 'session_not_found' });
    expect(clients.running).toBe(0);
  });

  it('says that it could not unlink one that is not connected', async () => {
    const { manager } = await make();
    await manager.create('7', 'main', SETTINGS, true);
    await manager.stop('7', 'main');
    expect(await manager.delete('7', 'main')).toBe(false);
  });
});

describe('whatever is asked of a session, and by however many at once', () => {
  it('happens in the order it was asked, with one client at the most', async () => {
    const asked = fc.constantFrom('create', 'start', 'stop', 'restart', 'logout', 'delete', 'ready', 'turn');
    await fc.assert(
      fc.asyncProperty(fc.array(asked, { minLength: 1, maxLength: 20 }), async (steps) => {
        const { manager, clients, paths, trash, store } = await make({ root: await temporaryDirectory() });
        // The trash in memory leaves the record where it is: it goes with the session, as in the real one.
        const records = new Map<string, SessionRecord>();
        store.read = async (workspace, session) => {
          const record = records.get(`${workspace}/${session}`);
          return record && { record, epoch: 1 };
        };
        store.write = async (record) => {
          await nextTurn();
          records.set(`${record.workspace_id}/${record.session_id}`, record);
        };
        trash.moveSession = async (workspace, session) => {
          records.delete(`${workspace}/${session}`);
          return paths.trash(workspace);
        };
        await manager.create('7', 'first', SETTINGS, true);
        const answers: Promise<unknown>[] = [];
        for (const step of steps) {
          if (step === 'create') answers.push(manager.create('7', 'main', SETTINGS, true));
          else if (step === 'ready') clients.made.at(-1)?.becomeReady();
          else if (step === 'turn') await nextTurn();
          else answers.push(manager[step]('7', 'main'));
          // What is refused before all have been asked is looked at below.
          answers.at(-1)?.catch(() => {});
        }
        for (const answer of await Promise.allSettled(answers))
          if (answer.status === 'rejected')
            expect(answer.reason).toMatchObject({ code: 'session_not_found' });
        expect(clients.most).toBeLessThanOrEqual(1);
        const known = manager.all().find((session) => session.record.session_id === 'main');
        expect(known?.record).toEqual(records.get('7/main'));
        const last = steps.filter((step) => !['ready', 'turn'].includes(step)).at(-1);
        if (last === 'delete') expect(known).toBeUndefined();
        else if (known && (last === 'stop' || last === 'logout')) expect(known.record.should_run).toBe(false);
        else if (known && (last === 'start' || last === 'restart'))
          expect(known.record.should_run).toBe(true);
        await manager.close(5000);
        expect(clients.running).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});
