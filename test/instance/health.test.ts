import { mkdir, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { instanceHealthSchema } from '../../fleet/instance-api.ts';
import { HealthReporter, type StorageRoom } from '../../instance/health.ts';
import { HostUsageMeter } from '../../instance/host-usage.ts';
import { temporaryDirectory } from '../helpers/temp-dir.ts';

async function reporter(occupied = 1) {
  const sessionPath = join(await temporaryDirectory(), 'sessions');
  await mkdir(sessionPath);
  const usage = new HostUsageMeter(() => []);
  const probes: (number | null)[] = [];
  const rooms: (StorageRoom | null)[] = [];
  const manager = { all: () => [{}, {}], occupied, readyCount: 1, capacity: 4 };
  const health = new HealthReporter({
    me: { instance: 'instance-1', incarnation: 'a', host: 'h' },
    manager: manager as never,
    usage,
    sessionPath,
    clock: systemClock,
    redisOk: () => false,
    standing: () => undefined,
    owned: () => 0,
    onProbe: (seconds) => probes.push(seconds),
    onRoom: (room) => rooms.push(room),
  });
  onTestFinished(() => health.close());
  return { health, usage, sessionPath, probes, rooms };
}

describe("an instance's health", () => {
  it('tells its sessions, its memory, its storage and its Redis', async () => {
    const { health, usage, sessionPath } = await reporter();
    await Promise.all([usage.measure(), health.probeStorage()]);
    const report = instanceHealthSchema.parse(health.report());
    expect(report).toMatchObject({
      status: 'healthy',
      sessions: { total: 2, ready: 1, capacity: 4, utilization: 0.25 },
      storage: { ok: true },
      redis: { ok: false },
    });
    expect(report.memory.rss_mb).toBeGreaterThan(10);
    expect(report.storage.latency_ms).toBeGreaterThan(0);
    expect(await readdir(sessionPath)).toEqual([]);
  });

  it('is at capacity with no place free, and draining before it stops, whatever else it is', async () => {
    const { health } = await reporter(4);
    expect(health.status()).toBe('at_capacity');
    health.drain();
    expect(health.status()).toBe('draining');
  });

  it('is unhealthy while a small file cannot be written, and healthy when it can again', async () => {
    const { health, sessionPath, probes } = await reporter();
    await rm(sessionPath, { recursive: true });
    await health.probeStorage();
    expect(health.report()).toMatchObject({ status: 'unhealthy', storage: { ok: false, latency_ms: null } });
    await mkdir(sessionPath);
    await health.probeStorage();
    expect(health.status()).toBe('healthy');
    expect(probes).toEqual([null, expect.any(Number)]);
  });

  it('counts a look at the storage that finds the one before still hanging as one that failed', async () => {
    const { health, probes } = await reporter();
    await Promise.all([health.probeStorage(), health.probeStorage()]);
    expect(probes).toEqual([null, expect.any(Number)]);
  });

  it('tells how much room the storage has, also where no file can be written, and nothing where it cannot be told', async () => {
    const { health, sessionPath, probes, rooms } = await reporter();
    const { blocks, bsize } = await statfs(sessionPath);
    const room = { free: expect.any(Number), size: blocks * bsize };
    await health.probeStorage();
    await rm(sessionPath, { recursive: true });
    await health.probeStorage();
    // A file where the directory was takes no file, and is on a file system all the same.
    await writeFile(sessionPath, '');
    await health.probeStorage();
    expect(probes).toEqual([expect.any(Number), null, null]);
    expect(rooms).toEqual([room, null, room]);
    expect(rooms[0]?.free).toBeGreaterThan(0);
    expect(rooms[0]?.free).toBeLessThanOrEqual(blocks * bsize);
  });

  it('does not tell of a room that it saw before, while the storage hangs', async () => {
    const { health, rooms } = await reporter();
    await Promise.all([health.probeStorage(), health.probeStorage()]);
    expect(rooms).toEqual([null, { free: expect.any(Number), size: expect.any(Number) }]);
  });
});
