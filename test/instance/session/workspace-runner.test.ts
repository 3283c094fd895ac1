import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { WharfError } from '../../../common/errors.ts';
import { FileClaims } from '../../../fleet/file-claims.ts';
import { SessionPaths } from '../../../fleet/session-paths.ts';
import type { GenerationRequest } from '../../../instance/profile/new-generation.ts';
import type { SessionListener } from '../../../instance/session/listener.ts';
import type { Session } from '../../../instance/session/session.ts';
import { SessionManager } from '../../../instance/session/session-manager.ts';
import { SessionStore } from '../../../instance/session/session-store.ts';
import { hostClock } from '../../../instance/supervisor/host-clock.ts';
import { eventually } from '../../helpers/eventually.ts';
import { Granting } from '../../helpers/granting.ts';
import { aRecord } from '../../helpers/session-record.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';
import { type ClientScript, FakeClients } from '../helpers/fake-clients.ts';
import { memoryParts } from '../helpers/session-parts.ts';

const DAY = 86_400_000;

/** An instance's sessions on a directory, with scripted clients; copies of profiles are noted and not made. */
async function make(
  given: {
    root?: string;
    script?: Partial<ClientScript>;
    closeWithin?: number;
    listeners?: readonly SessionListener<Session>[];
  } = {},
) {
  const root = given.root ?? (await temporaryDirectory());
  const paths = new SessionPaths(root);
  const store = new SessionStore(paths);
  const clients = new FakeClients(given.script);
  const memory = memoryParts(clients, { store, clock: hostClock, listeners: given.listeners ?? [] });
  const told: string[] = [];
  const taken: string[] = [];
  memory.profiles.adopt = async ({ record, to, released }: GenerationRequest) => {
    taken.push(`begin ${record.session_id} ${record.generation}->${to}${released ? ' released' : ''}`);
    return {
      finish: async () => {
        taken.push(`finish ${record.session_id}`);
        return { generation: to, source: null, copied: null };
      },
    };
  };
  memory.profiles.release = async (name, by) => {
    taken.push(
      `release ${name.session} gen-${name.generation} at ${by.epoch} of ${by.instance} on ${by.host}`,
    );
    return null;
  };
  const granting = new Granting(new FileClaims(paths), {
    instance: 'instance-1',
    incarnation: 'a',
    host: 'here',
  });
  const manager = new SessionManager({
    ownership: granting.ownership,
    capacity: 10,
    host: 'here',
    closeWithin: given.closeWithin ?? 200,
    log: memory.parts.log,
    onChange: () => {},
    onRemove: (workspace, session) => told.push(`gone ${workspace}/${session}`),
    onLeave: ({ record }) => told.push(`left ${record.workspace_id}/${record.session_id}`),
    parts: memory.parts,
  });
  granting.to(manager);
  const { workspaces } = manager;
  return { ...memory, root, paths, store, clients, granting, manager, workspaces, told, taken };
}

/** {@link make}; the record of the session `new` is written when the test says so. */
async function makeHeld() {
  const made = await make({ closeWithin: 60_000 });
  const hold = { waiting: false, go: () => {} };
  const write = made.store.write.bind(made.store);
  made.store.write = async (record, epoch) => {
    if (record.session_id === 'new')
      await new Promise<void>((resolve) => {
        Object.assign(hold, { waiting: true, go: resolve });
      });
    await write(record, epoch);
  };
  return { ...made, hold };
}

describe('a workspace that another instance had', () => {
  it('is copied while the owner before may still run, and started when it cannot any more', async () => {
    const { store, granting, clients, taken, manager } = await make();
    await store.write(aRecord({ session_id: 'a', linked: true }), 1);
    await store.write(aRecord({ session_id: 'resting', should_run: false, linked: true }), 1);
    const startAt = hostClock.monotonic() + 600;
    await granting.give('7', { epoch: 4, generation: 4, released: true, startAt });
    await eventually(() => taken.length === 1);
    expect([taken, clients.made.length, manager.get('7', 'a').status]).toEqual([
      ['begin a 1->4 released'],
      0,
      'starting',
    ]);
    await eventually(() => clients.running === 1);
    expect(hostClock.monotonic()).toBeGreaterThanOrEqual(startAt);
    expect(taken).toEqual(['begin a 1->4 released', 'finish a']);
    expect(await store.read('7', 'a')).toMatchObject({ epoch: 4, record: { generation: 4 } });
    // The one that rests is this owner's too, and is copied when it starts.
    await eventually(async () => (await store.read('7', 'resting'))?.epoch === 4);
    expect((await store.read('7', 'resting'))?.record.generation).toBe(1);
    await manager.start('7', 'resting');
    await eventually(() => clients.running === 2);
    expect(taken.slice(2)).toEqual(['begin resting 1->4 released', 'finish resting']);
    await manager.close(5000);
  });

  it('rests while it is in quarantine, until somebody starts it', async () => {
    const { store, granting, clients, manager, paths } = await make();
    await store.write(aRecord({ session_id: 'a' }), 1);
    await mkdir(dirname(paths.quarantined('7')), { recursive: true });
    await writeFile(paths.quarantined('7'), '');
    await granting.give('7', { epoch: 4, generation: 1 });
    expect([manager.get('7', 'a').status, clients.made.length]).toEqual(['stopped', 0]);
    expect((await store.read('7', 'a'))?.record.should_run).toBe(true);
    await manager.start('7', 'a');
    await eventually(() => clients.running === 1);
    await manager.close(5000);
  });

  it('is as the owner before wrote it last, while it still could', async () => {
    const { store, granting, clients, manager, paths, taken, told } = await make();
    for (const id of ['stopped', 'deleted', 'moved'])
      await store.write(aRecord({ session_id: id, generation: 2 }), 2);
    await granting.give('7', { epoch: 4, generation: 4, startAt: hostClock.monotonic() + 500 });
    await store.write(aRecord({ session_id: 'stopped', generation: 2, should_run: false }), 2);
    await store.write(aRecord({ session_id: 'moved', generation: 3 }), 3);
    await rm(paths.session('7', 'deleted'), { recursive: true });
    await eventually(() => clients.running === 1);
    await eventually(() => manager.get('7', 'stopped').status === 'stopped');
    await eventually(() => told.length === 1);
    expect(told).toEqual(['gone 7/deleted']);
    expect(taken.filter((each) => each.includes('moved'))).toEqual([
      'begin moved 2->4',
      'begin moved 3->4',
      'finish moved',
    ]);
    expect(clients.last.options.session).toBe('moved');
    await manager.close(5000);
  });

  it('keeps its profiles where they are at or above the generation of the grant, and starts at once', async () => {
    const { store, granting, clients, taken, manager } = await make();
    await store.write(aRecord({ session_id: 'a', generation: 3 }), 3);
    await granting.give('7', { epoch: 6, generation: 3, startAt: hostClock.monotonic() + DAY });
    await eventually(() => clients.running === 1);
    expect(taken).toEqual([]);
    expect(await store.read('7', 'a')).toMatchObject({ epoch: 3 });
    await manager.close(5000);
  });

  it('is tried again where it cannot be copied yet', async () => {
    const { store, granting, clients, profiles, manager } = await make();
    await store.write(aRecord(), 1);
    const adopt = profiles.adopt;
    let tries = 0;
    profiles.adopt = (request) => {
      tries += 1;
      if (tries === 1) throw new WharfError('storage_unavailable', 'not all there yet');
      return adopt.call(profiles, request);
    };
    await granting.give('7', { epoch: 4, generation: 4 });
    await eventually(() => manager.get('7', 'main').status === 'disconnected');
    await manager.restart('7', 'main');
    await eventually(() => clients.running === 1);
    expect((await store.read('7', 'main'))?.record.generation).toBe(4);
    await manager.close(5000);
  });

  it('gives new sessions the generation of their epoch', async () => {
    const { granting, manager, taken } = await make();
    await granting.give('7', { epoch: 6, generation: 4 });
    const { session } = await manager.create('7', 'new', { account_id: null, proxy: null }, false);
    expect([session.record.generation, session.epoch]).toEqual([6, 6]);
    expect(taken).toEqual([]);
    await manager.close(5000);
  });
});

describe('handing a workspace over', () => {
  it('closes its sessions, leaves lists of their files, forgets them, and answers nothing of it any more', async () => {
    const { granting, manager, workspaces, clients, taken, told } = await make();
    const epoch = await granting.give('7');
    await granting.give('8');
    for (const id of ['a', 'b']) await manager.create('7', id, { account_id: null, proxy: null }, false);
    await manager.create('8', 'a', { account_id: null, proxy: null }, false);
    await eventually(() => clients.running === 3);
    const releasing = workspaces.release('7', epoch);
    expect(() => manager.get('7', 'a')).toThrow(expect.objectContaining({ code: 'not_owner', status: 421 }));
    await expect(manager.restart('7', 'a')).rejects.toMatchObject({ code: 'not_owner' });
    expect(await releasing).toBe(true);
    expect(taken.sort()).toEqual([
      'release a gen-1 at 1 of instance-1 on here',
      'release b gen-1 at 1 of instance-1 on here',
    ]);
    expect(told.sort()).toEqual(['left 7/a', 'left 7/b']);
    expect(clients.running).toBe(1);
    expect(granting.ownership.workspaces()).toEqual(['8']);
    expect(() => manager.get('7', 'a')).toThrow(expect.objectContaining({ code: 'not_owner' }));
    await manager.close(5000);
  });

  it('lets a message that is being sent come to its end before its browser is closed', async () => {
    const order: string[] = [];
    let handOver: (() => void) | undefined;
    const { granting, manager, workspaces, clients } = await make({
      closeWithin: 60_000,
      listeners: [
        {
          changed: () => {},
          qr: () => {},
          happened: () => {},
          settle: () =>
            new Promise((resolve) => {
              handOver = () => {
                order.push('sent');
                resolve();
              };
            }),
          left: () => order.push('left'),
        },
      ],
      script: {
        stop: async () => {
          order.push('stop');
          return true;
        },
      },
    });
    const epoch = await granting.give('7');
    await manager.create('7', 'main', { account_id: null, proxy: null }, false);
    await eventually(() => clients.running === 1);
    clients.last.becomeReady();
    const releasing = workspaces.release('7', epoch);
    await eventually(() => handOver !== undefined);
    for (let turn = 0; turn < 50; turn += 1) await nextTurn();
    expect(order).toEqual([]);
    handOver?.();
    await releasing;
    expect(order.slice(0, 3)).toEqual(['sent', 'left', 'stop']);
  });

  it('kills what does not close in time', async () => {
    const killed: string[] = [];
    const stuck: (() => void)[] = [];
    const { granting, manager, workspaces, clients } = await make({
      script: {
        stop: () => new Promise((resolve) => stuck.push(() => resolve(false))),
        kill: async (client) => {
          killed.push(client.options.session);
          for (const end of stuck.splice(0)) end();
        },
      },
    });
    const epoch = await granting.give('7');
    await manager.create('7', 'main', { account_id: null, proxy: null }, false);
    await eventually(() => clients.running === 1);
    expect(await workspaces.release('7', epoch)).toBe(true);
    expect(killed).toEqual(['main']);
    expect(clients.running).toBe(0);
  });

  it('starts nothing again that ended by a pause while it was being closed', async () => {
    const { granting, manager, workspaces, clients, store, hold } = await makeHeld();
    await store.write(aRecord(), 1);
    const epoch = await granting.give('7');
    await eventually(() => clients.running === 1);
    const creating = manager.create('7', 'new', { account_id: null, proxy: null }, false);
    await eventually(() => hold.waiting);
    const releasing = workspaces.release('7', epoch);
    for (let turn = 0; turn < 50; turn += 1) await nextTurn();
    await workspaces.lapse('7', epoch);
    await workspaces.adopt({
      workspace: '7',
      epoch,
      generation: 1,
      released: false,
      startAt: 0,
      until: hostClock.monotonic() + DAY,
    });
    expect(() => manager.get('7', 'main')).toThrow(expect.objectContaining({ code: 'not_owner' }));
    hold.go();
    await expect(creating).rejects.toMatchObject({ code: 'not_owner' });
    expect(await releasing).toBe(true);
    expect([clients.running, clients.made.length, manager.all().length]).toEqual([0, 1, 0]);
    expect((await store.read('7', 'new'))?.record.should_run).toBe(true);
  });

  it('can be given back at once, at a higher epoch', async () => {
    const { granting, manager, workspaces, clients, store } = await make();
    await store.write(aRecord(), 1);
    const first = await granting.give('7');
    await eventually(() => clients.running === 1);
    const releasing = workspaces.release('7', first);
    await releasing;
    await granting.give('7');
    await eventually(() => clients.running === 1);
    expect([manager.get('7', 'main').epoch, clients.most]).toEqual([first + 1, 1]);
    await manager.close(5000);
  });
});

describe('ending a workspace at once', () => {
  it('sends every browser its end before anything else, and starts none again', async () => {
    const { granting, manager, workspaces, clients } = await make();
    const epoch = await granting.give('7');
    for (const id of ['a', 'b']) await manager.create('7', id, { account_id: null, proxy: null }, false);
    await eventually(() => clients.running === 2);
    const killing = workspaces.kill('7', epoch);
    expect(clients.made.map(({ calls }) => calls.at(-1))).toEqual(['kill', 'kill']);
    expect(await killing).toBe(true);
    for (let turn = 0; turn < 50; turn += 1) await nextTurn();
    expect([clients.running, clients.made.length]).toEqual([0, 2]);
    expect(() => manager.get('7', 'a')).toThrow(expect.objectContaining({ code: 'not_owner' }));
  });

  it('starts them again when only this process was paused, once all of the first have ended', async () => {
    const { granting, manager, workspaces, clients, store } = await make();
    await store.write(aRecord(), 1);
    const epoch = await granting.give('7');
    await eventually(() => clients.running === 1);
    const lapsing = workspaces.lapse('7', epoch);
    await workspaces.adopt({
      workspace: '7',
      epoch,
      generation: 1,
      released: false,
      startAt: 0,
      until: hostClock.monotonic() + DAY,
    });
    expect(await lapsing).toBe(true);
    await eventually(() => clients.made.length === 2 && clients.running === 1);
    expect(clients.most).toBe(1);
    await manager.close(5000);
  });

  it('writes nothing of the session any more', async () => {
    const { granting, manager, workspaces, clients, store, paths } = await make();
    await store.write(aRecord(), 1);
    const epoch = await granting.give('7');
    await eventually(() => clients.running === 1);
    const session = manager.get('7', 'main');
    await workspaces.kill('7', epoch);
    await expect(session.stop()).rejects.toMatchObject({ code: 'not_owner' });
    await expect(session.logout()).rejects.toMatchObject({ code: 'not_owner' });
    expect((await store.read('7', 'main'))?.record).toEqual(aRecord());
    expect(await readdir(paths.workspace('7'))).not.toContain('trash');
  });
});

describe('requests while a workspace is read', () => {
  it('wait, and find what is there', async () => {
    const { granting, manager, workspaces, store, paths, clients } = await make();
    await store.write(aRecord(), 1);
    await mkdir(paths.owners('7'), { recursive: true });
    const list = store.list.bind(store);
    let go = () => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    store.list = async (workspace) => {
      await gate;
      return await list(workspace);
    };
    const giving = granting.give('7');
    await eventually(() => workspaces.isReading);
    const settled = workspaces.settled('7').then(() => manager.get('7', 'main').record.session_id);
    go();
    expect(await settled).toBe('main');
    await giving;
    await eventually(() => clients.running === 1);
    await manager.close(5000);
  });
});
