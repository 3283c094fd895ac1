import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { assembleProfile } from '../../backup/archive/assemble.ts';
import { nameOf } from '../../backup/fleet/session-names.ts';
import { objectsOf } from '../../backup/manifest/manifest.ts';
import type { Operation } from '../../fleet/backup/api.ts';
import { redisKeys } from '../../fleet/keys.ts';
import { type BackupFleet, useBackupFleets } from '../helpers/backup-fleet.ts';
import type { BackupProcess } from '../helpers/backup-process.ts';
import { someFiles } from '../helpers/copyable-sessions.ts';
import { eventually } from '../helpers/eventually.ts';
import { SeededRandom } from '../helpers/random.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';

const signal = new AbortController().signal;
const aFleet = useBackupFleets();
const seed = Number(process.env['SEED'] ?? Date.now() % 100_000);
const SESSIONS = 24;
const ROUNDS = 10;

/** Reads every object that any manifest names. Throws where one is damaged. */
async function requireAllGood({ catalog, objects }: BackupFleet): Promise<string[]> {
  const ids: string[] = [];
  for (const { id } of await catalog.list()) {
    for (const ref of objectsOf(await catalog.read(id)).values())
      expect(await objects.check(ref, signal), `${id} ${ref.sha256}`).toBeNull();
    ids.push(id);
  }
  return ids;
}

/** A dead service's lease would lapse in ten seconds; nobody else holds it, so that it may as well go now. */
async function forgetLease({ redis }: BackupFleet): Promise<void> {
  await redis.del(redisKeys.backupService);
}

async function running(service: BackupProcess): Promise<Operation> {
  await eventually(() => service.leads());
  return (await service.ask('POST', '/api/backups')).body as Operation;
}

async function stateOf(service: BackupProcess, { id }: Operation): Promise<Operation> {
  return (await service.ask('GET', `/api/backups/operations/${id}`)).body as Operation;
}

describe('a backup service that is killed', () => {
  it('leaves only whole backups, whenever it dies, and the next one goes on', async () => {
    console.log(`seed ${seed}`);
    const random = new SeededRandom(seed);
    const fleet = await aFleet();
    const instances = [await fleet.addInstance('instance-1'), await fleet.addInstance('instance-2')];
    const files = new Map<string, Record<string, Buffer>>();
    const change = async (n: number, round: number) => {
      const instance = instances[n % 2];
      const made = someFiles(String(n), `round ${round} ${'x'.repeat(random.int(0, 40_000))}`);
      files.set(`${n}/main`, made);
      await instance?.set(String(n), 'main', made);
    };
    for (let n = 0; n < SESSIONS; n += 1) {
      await instances[n % 2]?.own(String(n));
      await change(n, 0);
    }
    for (const instance of instances) {
      instance.fault = async () => {
        await new Promise((resolve) => setTimeout(resolve, random.int(0, 15)));
        return false;
      };
    }
    const whole = await fleet.startService();
    const first = await whole.run();
    expect(first.state).toBe('done');
    const lasts = Date.parse(first.ended_at ?? '') - Date.parse(first.started_at);
    await whole.kill();

    const seen = new Map<string, number>();
    for (let round = 1; round <= ROUNDS; round += 1) {
      await forgetLease(fleet);
      const service = await fleet.startService();
      for (let n = 0; n < SESSIONS; n += 1) if (random.chance(0.5)) await change(n, round);
      const operation = await running(service);
      await new Promise((resolve) => setTimeout(resolve, random.between(0, lasts)));
      const { doing, state } = await stateOf(service, operation);
      seen.set(doing ?? state, (seen.get(doing ?? state) ?? 0) + 1);
      await service.kill('SIGKILL');
    }
    console.log('killed while', Object.fromEntries(seen));
    await requireAllGood(fleet);

    await forgetLease(fleet);
    const last = await fleet.startService();
    const ended = await last.run();
    expect(ended, last.log()).toMatchObject({ state: 'done', done: SESSIONS, failed: 0 });
    expect(await requireAllGood(fleet)).toContain(ended.backup);
    const manifest = await fleet.catalog.read(ended.backup as string);
    expect(manifest.sessions).toHaveLength(SESSIONS);
    const scratch = await temporaryDirectory();
    for (const session of manifest.sessions) {
      const { workspace, session: id } = nameOf(session);
      const to = join(scratch, workspace);
      await mkdir(to);
      await assembleProfile(session, to, { objects: fleet.objects, signal });
      for (const [path, content] of Object.entries(files.get(`${workspace}/${id}`) ?? {}))
        expect(sha256(await readFile(join(to, path))), `${workspace}/${id} ${path}`).toBe(sha256(content));
    }
    // Each backup was told of once, by whoever came after where its maker could not.
    const told = (await fleet.events()).map(({ data }) => 'backup' in data && data.backup);
    expect(told.sort()).toEqual((await fleet.catalog.list()).map(({ id }) => id));
    // What the killed ones left half-written is not taken for anything; it goes when it is a day old.
    const names = await readdir(join(fleet.directory, 'manifests'));
    expect(names.filter((name) => !name.startsWith('.') && !/^\d{8}T\d{6}Z\.jsonl\.gz$/.test(name))).toEqual(
      [],
    );
  });

  it('is replaced by the one that waits, within seconds, and puts no manifest when it comes back', async () => {
    const fleet = await aFleet();
    const instance = await fleet.addInstance('instance-1');
    await instance.own('7');
    await instance.set('7', 'main', someFiles('main'));
    const paused = await fleet.startService();
    await eventually(() => paused.leads());
    const other = await fleet.startService();
    // Everything of the run is done but its manifest: it is paused while it ends its last copy.
    instance.fault = async (asked) => {
      if (asked !== 'DELETE 7/main') return false;
      instance.fault = () => false;
      process.kill(paused.pid, 'SIGSTOP');
      return false;
    };
    const operation = (await paused.ask('POST', '/api/backups')).body as Operation;
    await eventually(() => other.leads(), 30_000);
    const taken = await other.run();
    expect(taken.state, other.log()).toBe('done');
    process.kill(paused.pid, 'SIGCONT');
    const ended = await eventually(async () => {
      const now = await stateOf(paused, operation);
      return now.state !== 'running' && now;
    });
    expect(ended.state, ended.error ?? '').toBe('cancelled');
    expect(ended.error).toMatch(/lease could not be renewed in time|makes the backups now/);
    expect(await requireAllGood(fleet)).toEqual([taken.backup]);
    expect([await paused.leads(), await other.leads()]).toEqual([false, true]);

    // And one that dies is followed by the other, too.
    await other.kill('SIGKILL');
    await eventually(() => paused.leads(), 30_000);
    expect((await paused.run()).state).toBe('done');
    expect(await requireAllGood(fleet)).toHaveLength(2);
  });

  it('ends a run at once where it is asked to stop, gives its lease up and leaves no manifest', async () => {
    const fleet = await aFleet();
    const instance = await fleet.addInstance('instance-1');
    await instance.own('7');
    await instance.set('7', 'main', someFiles('main'));
    let asked = false;
    instance.fault = async (request) => {
      if (!request.startsWith('POST')) return false;
      asked = true;
      return await new Promise<boolean>(() => {});
    };
    const service = await fleet.startService();
    await running(service);
    await eventually(() => asked);
    expect(await service.kill('SIGTERM'), service.log()).toBe(0);
    expect(await fleet.redis.get(redisKeys.backupService)).toBeNull();
    expect(await fleet.catalog.list()).toEqual([]);
  });

  it('goes on after its store was gone, and tells why a run failed', async () => {
    const fleet = await aFleet();
    const instance = await fleet.addInstance('instance-1');
    await instance.own('7');
    for (let n = 0; n < 10; n += 1) await instance.set('7', `s${n}`, someFiles(String(n)));
    const service = await fleet.startService();
    const away = `${fleet.directory}.away`;
    let copies = 0;
    instance.fault = async (asked) => {
      if (!asked.startsWith('POST')) return false;
      copies += 1;
      if (copies === 5) await rename(fleet.directory, away);
      return false;
    };
    const failed = await service.run();
    expect(failed).toMatchObject({ state: 'failed', error: expect.stringContaining(fleet.directory) });
    expect(copies, 'copies after the store was gone').toBeLessThan(9);
    await rename(away, fleet.directory);
    expect(await service.run(), service.log()).toMatchObject({ state: 'done', done: 10, failed: 0 });
    await requireAllGood(fleet);
    const told = (await fleet.events()).map(({ type }) => type);
    expect(told).toEqual(['backup.failed', 'backup.completed']);
  });

  it('throws a copy away whose instance dies while it is fetched, and takes the session from the backup before', async () => {
    const fleet = await aFleet();
    const instance = await fleet.addInstance('instance-1');
    await instance.own('7');
    for (const id of ['dies', 'stays']) await instance.set('7', id, someFiles(id));
    const service = await fleet.startService();
    await service.run();
    await instance.set('7', 'dies', someFiles('dies', 'more'));
    instance.fault = (asked, response) => {
      if (asked !== 'GET 7/dies/archive') return false;
      response.writeHead(200, { 'Content-Length': 10_000 }).write('half of it', () => response.destroy());
      return true;
    };
    const ended = await service.run();
    expect(ended).toMatchObject({ state: 'done', failed: 1, done: 1 });
    const sessions = (await fleet.catalog.latest())?.manifest.sessions;
    expect(sessions?.map(({ carried }) => carried === null)).toEqual([false, true]);
    expect(ended.findings[0]).toMatch(/Session dies of workspace 7 stands as it was/);
    await requireAllGood(fleet);
  });
});

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
