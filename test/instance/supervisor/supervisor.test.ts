import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readEnv } from '../../../common/env.ts';
import { createLogger } from '../../../common/logger.ts';
import { SystemdNotifier } from '../../../common/sd-notify.ts';
import type { Coordination } from '../../../fleet/coordination.ts';
import { MemoryClaimStorage, MemoryClaims } from '../../../fleet/memory-claims.ts';
import { memoryCoordination } from '../../../fleet/memory-coordination.ts';
import { MemoryRedis } from '../../../fleet/memory-redis.ts';
import { OWNERSHIP_TIMES } from '../../../fleet/ownership-times.ts';
import { SessionPaths } from '../../../fleet/session-paths.ts';
import { hostClock } from '../../../instance/supervisor/host-clock.ts';
import type { InstanceReady } from '../../../instance/supervisor/instance-process.ts';
import { browsersUnder } from '../../../instance/supervisor/process-end.ts';
import { Supervisor, type SupervisorParts } from '../../../instance/supervisor/supervisor.ts';
import { WakefulClock } from '../../../instance/supervisor/suspension.ts';
import { eventually } from '../../helpers/eventually.ts';
import { claimOf, leaseHolder } from '../../helpers/fleet-values.ts';
import { browsersUnder as browsersOf, isAlive } from '../../helpers/processes.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

const fake = fileURLToPath(new URL('fake-instance.mjs', import.meta.url));
const silent = createLogger('silent', {});

/** What the fake instance heard, with its pid. */
interface Heard {
  pid: number;
  kind: string;
  workspace?: string;
  epoch?: number;
  generation?: number;
  lapses?: number;
}

/** An interface whose every method fails while it is cut off. */
function cuttable<T extends object>(whole: T, isCut: () => boolean): T {
  return new Proxy(whole, {
    get: (target, name) => {
      const method = Reflect.get(target, name) as (...values: unknown[]) => unknown;
      return (...values: unknown[]) =>
        isCut() ? Promise.reject(new Error('It is cut off.')) : Reflect.apply(method, target, values);
    },
  });
}

describe('a supervisor', () => {
  let paths: SessionPaths;
  let redis: MemoryRedis;
  let coordination: Coordination;
  let claims: MemoryClaims;
  let readies: InstanceReady[];
  let stop: AbortController;
  let running: Promise<number>;
  let env: Record<string, string>;
  beforeEach(async () => {
    paths = new SessionPaths(await temporaryDirectory());
    redis = new MemoryRedis(hostClock, () => randomBytes(8).toString('hex'));
    coordination = memoryCoordination(redis);
    claims = new MemoryClaims(new MemoryClaimStorage(hostClock), 'host-a');
    readies = [];
    stop = new AbortController();
    env = { FAKE_HEARD: join(paths.root, 'heard'), FAKE_CLAIM: '7' };
  });
  afterEach(async () => {
    stop.abort(new Error('the test has ended'));
    await running.catch(() => undefined);
    expect(await browsersOf(paths.root)).toEqual([]);
    for (const { pid } of readies) expect(await isAlive(pid)).toBe(false);
  });

  const start = (changes: Partial<SupervisorParts> = {}, beatPatience = 10_000) => {
    const { incarnation: _, ...holder } = leaseHolder('instance-1', '');
    const supervisor = new Supervisor({
      holder,
      predecessors: [],
      predecessorsEnded: true,
      coordination,
      claims,
      clock: new WakefulClock(hostClock),
      times: { ...OWNERSHIP_TIMES, renew: 200, sweep: 400 },
      patience: { kill: 400, answer: 1000, close: 20_000 },
      program: (port) => ({
        main: fake,
        nodeFlags: [],
        env: {
          ...readEnv(),
          WHATSAPP_SESSION_PATH: paths.root,
          ...env,
          ...(port === null ? {} : { PORT: port }),
        },
        startPatience: 20_000,
        beatPatience,
      }),
      isBrowserOf: (workspaces) => browsersUnder(workspaces.map((workspace) => paths.workspace(workspace))),
      notifier: new SystemdNotifier({}, silent),
      onReady: (ready) => readies.push(ready),
      log: silent,
      ...changes,
    });
    running = supervisor.run(stop.signal);
    running.catch(() => undefined);
  };
  const heard = async (): Promise<Heard[]> =>
    (await readFile(env['FAKE_HEARD'] ?? '', 'utf8').catch(() => ''))
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Heard);
  const heardBy = async (life: number, kind: string) =>
    (await heard()).filter((message) => message.kind === kind && message.pid === readies[life]?.pid);
  /** The browser of workspace 7, once it runs; another than `not`. */
  const browser = (not = 0) =>
    eventually(async () => (await browsersOf(paths.workspace('7'))).find(({ pid }) => pid !== not)?.pid);
  const holder = async () => (await coordination.leases()).leases[0];

  it('holds the lease, claims, grants, proves and says how it stands; when stopped it closes all and gives the lease up', async () => {
    start();
    await browser();
    const [run] = await heardBy(0, 'run');
    expect(run).toMatchObject({ workspace: '7', epoch: 1, generation: 1 });
    expect(await heardBy(0, 'claimed')).toMatchObject([{ epoch: 1 }]);
    await eventually(async () => (await heardBy(0, 'extend')).length > 2);
    await eventually(async () => (await heardBy(0, 'standing')).length > 0);
    expect((await holder())?.state).toBe('running');
    stop.abort(new Error('stop'));
    expect(await running).toBe(0);
    expect((await holder())?.state).toBe('restarting');
    expect((await claims.highest('7'))?.released).toBe(true);
    expect((await heardBy(0, 'close_all')).length).toBe(1);
  });

  it('brings a killed instance back at the same port, with its generation, while the lease is held on', async () => {
    start();
    const first = await browser();
    process.kill(readies[0]?.pid ?? 0, 'SIGKILL');
    let lapsed = false;
    const second = await eventually(async () => {
      lapsed ||= (await holder()) === undefined;
      return (await browsersOf(paths.workspace('7'))).find(({ pid }) => pid !== first)?.pid;
    });
    expect(lapsed).toBe(false);
    expect(await isAlive(first)).toBe(false);
    expect(await isAlive(second)).toBe(true);
    expect(readies).toHaveLength(2);
    expect(readies[1]?.url).toBe(readies[0]?.url);
    expect(await heardBy(1, 'run')).toMatchObject([{ workspace: '7', epoch: 2, generation: 1 }]);
  });

  it('ends an instance that was stopped, with its browsers, stopped too, and starts it again', async () => {
    start({}, 1500);
    const first = await browser();
    process.kill(first, 'SIGSTOP');
    process.kill(readies[0]?.pid ?? 0, 'SIGSTOP');
    await browser(first);
    expect(await isAlive(first)).toBe(false);
    expect(await isAlive(readies[0]?.pid ?? 0)).toBe(false);
  });

  it('ends an instance that gives no sign of life', async () => {
    env['FAKE_FAULT'] = 'silent';
    start({}, 1500);
    await eventually(() => readies.length > 1, 30_000);
  });

  it('ends the browsers of a workspace that is owned elsewhere, also where the instance does not, and then the instance', async () => {
    env['FAKE_FAULT'] = 'deaf';
    start();
    const first = await browser();
    delete env['FAKE_FAULT'];
    delete env['FAKE_CLAIM'];
    await claims.create(claimOf('7', 2, 'instance-2'));
    await eventually(async () => !(await isAlive(first)));
    await eventually(() => readies.length > 1);
    expect(await heardBy(0, 'kill')).toMatchObject([{ workspace: '7', epoch: 1 }]);
    expect(await heardBy(1, 'run')).toEqual([]);
  });

  it('tells the next life of its instance what lapsed where the authority of all ran out, which ended the one before', async () => {
    let cut = false;
    start({
      coordination: cuttable(coordination, () => cut),
      claims: cuttable(claims, () => cut),
      times: { ...OWNERSHIP_TIMES, renew: 200, sweep: 400, authority: 1500 },
    });
    await browser();
    cut = true;
    await eventually(() => readies.length > 1);
    cut = false;
    // Its lease may still be that of the life before: then there is a third.
    const told = await eventually(async () =>
      (await heard()).find(({ kind, pid }) => kind === 'standing' && pid !== readies[0]?.pid),
    );
    expect(told).toMatchObject({ lapses: 1 });
  });

  it('refuses to go on when another has taken the lease, and says who', async () => {
    start();
    const first = await browser();
    const [incarnation] = [(await holder())?.holder.incarnation ?? ''];
    await coordination.acquire(
      { ...leaseHolder('instance-1', 'other'), host: { name: 'b', boot: 'b/1' }, pid: 4711 },
      OWNERSHIP_TIMES.lease,
      [incarnation],
    );
    await claims.create(claimOf('7', 2, 'instance-2'));
    await expect(running).rejects.toThrow(
      'INSTANCE_ID instance-1 is held by instance-1 on host b (supervisor 4711, since',
    );
    expect(await isAlive(first)).toBe(false);
  });

  it('goes on where the lease is one of its own that it gave up long ago', async () => {
    start();
    const first = await browser();
    const held = await holder();
    await coordination.acquire(
      { ...leaseHolder('instance-1', 'of-long-ago'), pid: held?.holder.pid ?? 0 },
      1500,
      [held?.holder.incarnation ?? ''],
    );
    await browser(first);
    expect((await holder())?.holder.incarnation).not.toBe('of-long-ago');
    expect(await isAlive(first)).toBe(false);
  });

  it('ends with what its instance ended with where that never came up', async () => {
    env['FAKE_FAULT'] = 'never_ready';
    start();
    expect(await running).toBe(3);
    expect(readies).toEqual([]);
  });

  it('starts an instance that dies again and again, each time later, and each time as another incarnation', async () => {
    env['FAKE_FAULT'] = 'dies';
    const delays: number[] = [];
    const clock = new WakefulClock(hostClock);
    const sleep = clock.sleep.bind(clock);
    // The back-off is the one sleep of these lengths; it is cut short.
    clock.sleep = (milliseconds, signal) => {
      if (milliseconds !== 500 && milliseconds < 1000) return sleep(milliseconds, signal);
      if ([500, 1000, 2000, 4000].includes(milliseconds)) delays.push(milliseconds);
      return sleep(Math.min(milliseconds, 10), signal);
    };
    start({ clock, times: { ...OWNERSHIP_TIMES, renew: 210, sweep: 400 } });
    await eventually(() => readies.length > 4);
    expect(delays.slice(0, 4)).toEqual([500, 1000, 2000, 4000]);
    expect(new Set(readies.map(({ pid }) => pid)).size).toBe(readies.length);
  });

  it('ends in order when it is stopped between two lives of its instance', async () => {
    env['FAKE_FAULT'] = 'dies';
    start();
    await eventually(() => readies.length > 2);
    stop.abort(new Error('stop'));
    // Its instance may have died at that very moment, which is no clean end.
    expect([0, 1]).toContain(await running);
  });
});
