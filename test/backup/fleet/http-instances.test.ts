import { buffer } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { HttpInstances } from '../../../backup/fleet/http-instances.ts';
import { InstanceCalls } from '../../../backup/fleet/instance-calls.ts';
import { Owners } from '../../../backup/fleet/owners.ts';
import type { Announcement, Assignment } from '../../../fleet/records.ts';
import { makeCopy, someFiles } from '../../helpers/copyable-sessions.ts';
import { DrivenClock } from '../../helpers/driven-clock.ts';
import { FakeInstance, fakeSession, type Intercept } from '../../helpers/fake-instance.ts';
import { refuse } from '../../helpers/fake-problem.ts';

const token = 't'.repeat(40);
const name = { workspace: '7', session: 'main' };
const signal = new AbortController().signal;
const restore = 'r-20261122T093000Z-1a2b3c';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** Instances whose owners are entries of a map. */
async function aFleet() {
  const announced = new Map<string, Announcement>();
  const assigned = new Map<string, string>();
  const registry = {
    announce: async (announcement: Announcement) => {
      announced.set(announcement.instance, announcement);
      return true;
    },
    withdraw: async (instance: string) => void announced.delete(instance),
    replaceSessions: async () => {},
  };
  const add = async (id: string, intercept: Intercept, capacity = 10) => {
    const instance = new FakeInstance({
      id,
      registry: registry as never,
      coordination: { recordAssignment: async () => true },
      token,
      capacity,
    });
    instance.intercept = intercept;
    await instance.start();
    closing.push(() => instance.stop());
    return instance;
  };
  const clock = new DrivenClock();
  const calls = new InstanceCalls(token);
  closing.push(() => calls.close());
  const assignment = (workspace: string): Assignment | undefined => {
    const instance = assigned.get(workspace);
    return instance === undefined
      ? undefined
      : { workspace_id: workspace, epoch: 3, instance, incarnation: 'i', claimed: true, since: 0 };
  };
  const owners = new Owners({
    coordination: {
      assignment: async (workspace) => assignment(workspace),
      assignments: async () => [...assigned.keys()].map((workspace) => assignment(workspace) as Assignment),
    },
    registry: { announcements: async () => [...announced.values()] },
    instanceCount: 2,
    shardStrategy: 'workspace_modulo',
  });
  const instances = new HttpInstances(owners, calls, clock);
  /** Waits for an outcome while the time goes on. */
  const passing = async <T>(asked: Promise<T>): Promise<T> => {
    let done = false;
    const outcome = asked.finally(() => {
      done = true;
    });
    outcome.catch(() => undefined);
    while (!done) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      await clock.pass(500);
    }
    return await outcome;
  };
  return { add, assigned, announced, instances, clock, passing };
}

const answers =
  (body: object, status = 200): Intercept =>
  (_request, response) => {
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
    return true;
  };
const refuses =
  (status: number, code: string): Intercept =>
  (_request, response) =>
    refuse(response, status, code);

describe('HttpInstances', () => {
  it('has a session copied by its owner, fetches what it asks for, and ends the copy', async () => {
    const { add, assigned, instances } = await aFleet();
    const { answer, objects } = await makeCopy(name, someFiles('main'));
    const [piece] = answer.pieces;
    if (!piece || !answer.archive) throw new Error('a copy without pieces');
    const instance = await add('instance-1', (request, response) => {
      const url = request.url ?? '';
      const sha256 = url.endsWith('/archive') ? answer.archive?.sha256 : url.slice(-64);
      if (request.method === 'POST') response.writeHead(201).end(JSON.stringify(answer));
      else response.writeHead(200).end(objects.get(sha256 ?? ''));
      return true;
    });
    assigned.set('7', 'instance-1');
    expect(await instances.owners()).toEqual(new Map([['7', 'instance-1']]));
    const open = await instances.copy(name, ['ab'.repeat(32)], signal);
    expect(open.copy).toEqual(answer);
    expect(await buffer(await open.piece(piece, signal))).toEqual(objects.get(piece.sha256));
    expect(await buffer(await open.archive(signal))).toEqual(objects.get(answer.archive.sha256));
    await open.close();
    const base = '/workspaces/7/sessions/main/copies';
    expect(instance.asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `POST ${base}`,
      `GET ${base}/${answer.copy}/pieces/${piece.sha256}`,
      `GET ${base}/${answer.copy}/archive`,
      `DELETE ${base}/${answer.copy}`,
    ]);
    expect(JSON.parse(instance.asked[0]?.body ?? '')).toEqual({ have: ['ab'.repeat(32)] });
    expect(instance.asked[0]?.adopt).toBe(false);
  });

  it('tells an owner of no more objects than it takes', async () => {
    const { add, assigned, instances } = await aFleet();
    const { answer } = await makeCopy(name, null);
    const instance = await add('instance-1', answers(answer, 201));
    assigned.set('7', 'instance-1');
    const open = await instances.copy(name, Array(30_000).fill('ab'.repeat(32)), signal);
    expect(JSON.parse(instance.asked[0]?.body ?? '').have).toHaveLength(20_000);
    await open.close();
    expect(instance.asked, 'a copy without files has nothing to end').toHaveLength(1);
  });

  it('asks again where the workspace is on its way, and gives up on a copy after some seconds', async () => {
    const { add, assigned, instances, passing } = await aFleet();
    const detail = fakeSession('7', 'main', 'instance-2');
    const one = await add('instance-1', (_request, response) => {
      if (one.asked.length === 3) assigned.set('7', 'instance-2');
      return refuse(response, 421, 'not_owner');
    });
    await add('instance-2', answers(detail));
    assigned.set('7', 'instance-1');
    expect(await passing(instances.session(name))).toEqual(detail);
    expect(one.asked).toHaveLength(3);

    assigned.set('7', 'instance-1');
    one.asked.length = 3;
    one.intercept = refuses(503, 'ownership_unproved');
    await expect(passing(instances.copy(name, [], signal))).rejects.toMatchObject({
      code: 'ownership_unproved',
    });
    expect(one.asked.length).toBeGreaterThan(6);
    expect(one.asked.length).toBeLessThan(12);
  });

  it('waits half a minute in all for the owners of sessions to copy, however many nobody owns', async () => {
    const { instances, clock, passing } = await aFleet();
    for (const pass of ['first', 'second']) {
      await instances.owners();
      const began = clock.now();
      for (let workspace = 1; workspace <= 30; workspace += 1) {
        const copying = instances.copy({ workspace: String(workspace), session: 'main' }, [], signal);
        await expect(passing(copying)).rejects.toMatchObject({ code: 'instance_unavailable' });
      }
      expect(clock.now() - began, pass).toBeGreaterThan(20_000);
      expect(clock.now() - began, pass).toBeLessThan(50_000);
    }
  });

  it('waits for minutes for a copy, as long as its instance is well, and says then that it is no silent one', async () => {
    const { add, assigned, instances, clock, passing } = await aFleet();
    const { answer } = await makeCopy(name, null);
    let answerNow = () => {};
    const slow = await add('instance-1', (_request, response) => {
      answerNow = () => response.writeHead(201).end(JSON.stringify(answer));
      return true;
    });
    assigned.set('7', 'instance-1');
    const began = clock.now();
    const copying = passing(instances.copy(name, [], signal));
    while (clock.now() - began < 200_000) await new Promise((resolve) => setTimeout(resolve, 10));
    answerNow();
    expect((await copying).copy).toEqual(answer);
    const again = clock.now();
    await expect(passing(instances.copy(name, [], signal))).rejects.toMatchObject({
      code: 'timeout',
      message: expect.stringContaining(
        'session main of workspace 7 from instance-1 did not come within 300 s',
      ),
    });
    expect(clock.now() - again).toBeLessThan(310_000);
    expect(slow.asked, 'it is not asked again for what takes it so long').toHaveLength(2);
  });

  it('gives a copy up at the next look where its instance is not well', async () => {
    const { add, assigned, instances, clock, passing } = await aFleet();
    const hanging = await add('instance-1', () => true);
    hanging.storageOk = false;
    assigned.set('7', 'instance-1');
    const began = clock.now();
    await expect(passing(instances.copy(name, [], signal))).rejects.toMatchObject({
      code: 'instance_unavailable',
      message: expect.stringContaining('does not say that it is well'),
    });
    expect(clock.now() - began).toBeLessThan(60_000);
  });

  it('waits for a takeover where the owner is away, for a minute', async () => {
    const { add, assigned, instances, clock, passing } = await aFleet();
    assigned.set('7', 'instance-1');
    const began = clock.now();
    await expect(passing(instances.session(name))).rejects.toMatchObject({
      code: 'instance_unavailable',
      message: expect.stringContaining('instance-1, is not running'),
    });
    expect(clock.now() - began).toBeGreaterThan(55_000);
    const asked = instances.session(name);
    await clock.pass(5000);
    await add('instance-2', answers(fakeSession('7', 'main', 'instance-2')));
    assigned.set('7', 'instance-2');
    expect((await passing(asked))?.instance).toBe('instance-2');
  });

  it('passes on what the owner says, and asks it once', async () => {
    const { add, assigned, instances } = await aFleet();
    const instance = await add('instance-1', refuses(409, 'invalid_state'));
    assigned.set('7', 'instance-1');
    await expect(instances.copy(name, [], signal)).rejects.toMatchObject({
      code: 'invalid_state',
      message: 'the fake says invalid_state',
    });
    expect(instance.asked).toHaveLength(1);
    instance.intercept = refuses(404, 'session_not_found');
    expect(await instances.session(name)).toBeNull();
  });

  it('has a workspace that nobody owns adopted by its home, and by another where that is full', async () => {
    const { add, instances, passing } = await aFleet();
    const answer = { session: fakeSession('7', 'main', 'instance-1'), trash: null };
    // 7 % 2 + 1
    const home = await add('instance-2', refuses(503, 'no_capacity'));
    const other = await add('instance-1', answers(answer));
    expect(await passing(instances.restore(name, restore, signal))).toEqual(answer);
    expect(home.asked.map(({ path, adopt }) => [path, adopt])).toEqual([
      ['/workspaces/7/sessions/main/restore', true],
    ]);
    expect(other.asked.map(({ body, adopt }) => [body, adopt])).toEqual([
      [JSON.stringify({ restore }), true],
    ]);
  });

  it('says no_capacity where no instance can adopt a workspace', async () => {
    const { add, instances } = await aFleet();
    await expect(instances.restore(name, restore, signal)).rejects.toMatchObject({ code: 'no_capacity' });
    await add('instance-2', refuses(500, 'internal'), 0);
    await expect(instances.restore(name, restore, signal)).rejects.toMatchObject({ code: 'no_capacity' });
  });

  it('lets an owner that it knows adopt nothing', async () => {
    const { add, assigned, instances } = await aFleet();
    const instance = await add(
      'instance-1',
      answers({ session: fakeSession('7', 'main', 'instance-1'), trash: 't' }),
    );
    assigned.set('7', 'instance-1');
    expect((await instances.undoRestore(name, restore, signal)).trash).toBe('t');
    expect(instance.asked.map(({ path, adopt }) => [path, adopt])).toEqual([
      ['/workspaces/7/sessions/main/undo-restore', false],
    ]);
  });

  it('ends with its signal, also while it waits', async () => {
    const { add, assigned, instances, clock } = await aFleet();
    const controller = new AbortController();
    const ended = new Error('the lease was lost');
    const waiting = instances.copy(name, [], controller.signal);
    await clock.pass(100);
    controller.abort(ended);
    await expect(waiting).rejects.toBe(ended);

    await add('instance-1', () => new Promise(() => {}));
    assigned.set('7', 'instance-1');
    const second = new AbortController();
    const hanging = instances.copy(name, [], second.signal);
    setTimeout(() => second.abort(ended), 50);
    await expect(hanging).rejects.toBe(ended);
  });

  it.each<[string, Intercept]>([
    ['no JSON', (_request, response) => response.writeHead(201).end('hello') !== null],
    ['another shape', answers({ copy: 'x' }, 201)],
    ['an error that is no problem document', answers({ oops: 1 }, 500)],
  ])('says so where an instance answers with %s', async (_, intercept) => {
    const { add, assigned, instances, passing } = await aFleet();
    await add('instance-1', intercept);
    assigned.set('7', 'instance-1');
    await expect(passing(instances.copy(name, [], signal))).rejects.toMatchObject({
      code: 'instance_unavailable',
      message: expect.stringContaining('does not understand'),
    });
  });
});
