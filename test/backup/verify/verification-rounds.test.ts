import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StoredCatalog } from '../../../backup/manifest/stored-catalog.ts';
import { Operations } from '../../../backup/operations.ts';
import { BackupsInUse } from '../../../backup/prune/backups-in-use.ts';
import { Distrusted } from '../../../backup/run/distrusted.ts';
import { BackupSchedule } from '../../../backup/schedule/backup-schedule.ts';
import { ScheduleRunner } from '../../../backup/schedule/runner.ts';
import { VerificationMemory } from '../../../backup/verify/verification-memory.ts';
import { VerificationRounds } from '../../../backup/verify/verification-rounds.ts';
import { Verifier } from '../../../backup/verify/verifier.ts';
import { createLogger } from '../../../common/logger.ts';
import { aManifest, backUp, memoryObjects, objectKey } from '../../helpers/backed-up-session.ts';
import { aDatabase } from '../../helpers/database-files.ts';
import { DrivenClock } from '../../helpers/driven-clock.ts';
import { toldDamage } from '../../helpers/told-damage.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const log = createLogger('silent', {}, process.stderr);

/** A store with one backup, and services over it that verify each night at 3:30. */
async function aStore() {
  const clock = new DrivenClock();
  // To noon.
  await clock.pass(DAY - (clock.now() % DAY) + DAY / 2);
  const { store, objects } = memoryObjects();
  const catalog = new StoredCatalog(store);
  const session = await backUp(objects, aDatabase());
  await catalog.put(aManifest('20261122T090003Z', [session]));
  const busy = { now: false };
  const start = () => {
    const term = new AbortController();
    const operations = new Operations({ term: () => term.signal, clock, log });
    const memory = new VerificationMemory({
      store,
      distrusted: new Distrusted(),
      term: () => term.signal,
      clock,
      log,
    });
    const isBusy = () => busy.now;
    const { damage } = toldDamage();
    const inUse = new BackupsInUse();
    const verifier = new Verifier({ catalog, objects, operations, inUse, damage, memory, clock, isBusy });
    const rounds = new VerificationRounds({ verifier, operations, memory, isBusy });
    const schedule = new BackupSchedule('30 3 * * *', 'BACKUP_VERIFY_SCHEDULE');
    const runner = new ScheduleRunner({ schedule, jitter: 0, runs: rounds, clock, log });
    const running = runner.run(term.signal);
    const end = async () => {
      term.abort(new Error('the lease is lost'));
      await clock.pass(2 * MINUTE);
      await running;
      await operations.idle();
    };
    const begun = () => operations.list().map(({ started_at }) => new Date(started_at).toUTCString());
    /** Lets time pass; what begins meanwhile reads in the time that it takes. */
    const pass = async (milliseconds: number) => {
      for (let left = milliseconds; left > 0; left -= 60 * MINUTE) {
        await clock.pass(Math.min(left, 60 * MINUTE));
        if (!busy.now) await operations.idle();
        await clock.pass(0);
      }
    };
    return { end, begun, operations, memory, verifier, pass };
  };
  const reads = () => store.requests.filter((request) => request.startsWith('get objects/')).length;
  return { clock, store, session, busy, start, reads };
}

describe('verifications by a schedule', () => {
  let scene: Awaited<ReturnType<typeof aStore>>;
  let service: ReturnType<typeof scene.start>;
  beforeEach(async () => {
    scene = await aStore();
    service = scene.start();
  });
  afterEach(() => service.end());

  it('come at their moments, the first not at once, and not again after a restart', async () => {
    await service.pass(DAY / 2);
    expect(service.begun()).toEqual([]);
    await service.pass(2 * DAY);
    expect(service.begun()).toHaveLength(2);
    for (const time of service.begun()) expect(time).toMatch(/ 03:30:00 GMT$/);
    const [last = ''] = service.begun();
    expect(service.memory.well).toBe(Date.parse(last));
    await service.end();
    service = scene.start();
    await service.pass(60 * MINUTE);
    expect(service.memory.well).toBe(Date.parse(last));
    expect(service.begun()).toEqual([]);
  });

  it('make up for one that was missed, once the service runs again', async () => {
    await service.pass(MINUTE);
    await service.end();
    await scene.clock.pass(3 * DAY);
    service = scene.start();
    await service.pass(MINUTE);
    expect(service.begun()).toHaveLength(1);
    expect(service.memory.checked()?.age).toBeLessThan(2 * MINUTE);
  });

  it('are not well where something is damaged, and are not made again for that before their next moment', async () => {
    const { store, session } = scene;
    await service.pass(MINUTE);
    const since = service.memory.unverifiedSince;
    store.objects.get(objectKey(session.archive ?? { sha256: '' }))?.content.fill(0);
    await service.pass(DAY);
    expect(service.begun()).toHaveLength(1);
    expect(service.operations.list()[0]).toMatchObject({ state: 'done', failed: 1 });
    expect(service.memory.well).toBeNull();
    expect(service.memory.unverifiedSince).toBe(since);
  });

  it('wait for the end of a run or a restore, before they begin and before each object', async () => {
    const { busy, store, reads } = scene;
    await service.pass(MINUTE);
    busy.now = true;
    await service.pass(DAY);
    expect(service.begun()).toEqual([]);
    // Another run begins when the verification has just begun.
    let manifests = 0;
    store.before = (request, key) => {
      if (request !== 'get' || !key.startsWith('manifests/')) return;
      manifests += 1;
      busy.now = true;
    };
    store.requests.length = 0;
    busy.now = false;
    await scene.clock.pass(MINUTE);
    await expect.poll(() => manifests).toBe(2);
    await service.pass(10 * MINUTE);
    expect(service.operations.isRunning('verify')).toBe(true);
    expect(reads()).toBe(0);
    busy.now = false;
    await service.pass(MINUTE);
    expect(service.operations.isRunning('verify')).toBe(false);
    expect(reads()).toBeGreaterThan(1);
    expect(service.memory.well).not.toBeNull();
  });

  it('are done for by one of everything that somebody asked for, and not by one of the latest', async () => {
    await service.pass(MINUTE);
    await service.verifier.begin('latest');
    await service.operations.idle();
    expect(service.memory.well).toBeNull();
    await service.pass(DAY / 2 + 3 * 60 * MINUTE);
    scene.busy.now = true;
    await service.pass(60 * MINUTE);
    expect(service.begun()).toHaveLength(1);
    // What somebody asks for goes on beside a run.
    const asked = await service.verifier.begin('all');
    await service.operations.idle();
    expect(service.memory.well).toBe(Date.parse(asked.started_at));
    scene.busy.now = false;
    await service.pass(60 * MINUTE);
    expect(service.begun()).toHaveLength(2);
  });
});
