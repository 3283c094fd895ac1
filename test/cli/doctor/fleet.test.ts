import { mkdir, rm } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { checkFleet } from '../../../cli/doctor/fleet.ts';
import { createLogger } from '../../../common/logger.ts';
import { connectRedis, parseRedisUrl, type Redis } from '../../../common/redis.ts';
import { writeBeacon } from '../../../fleet/beacons.ts';
import type { HostIdentity } from '../../../fleet/coordination.ts';
import { hostIdentity } from '../../../fleet/host-identity.ts';
import { redisCoordination } from '../../../fleet/redis-coordination.ts';
import { SessionPaths } from '../../../fleet/session-paths.ts';
import { leaseHolder } from '../../helpers/fleet-values.ts';
import { type PrivateRedis, startRedis } from '../../helpers/redis.ts';
import { temporaryDirectory } from '../../helpers/temp-dir.ts';

describe("doctor's look at the fleet", () => {
  let server: PrivateRedis;
  let redis: Redis;
  let path: string;
  beforeAll(async () => {
    server = await startRedis();
    redis = await connectRedis(parseRedisUrl(server.url), createLogger('silent', {}));
  });
  afterAll(async () => {
    redis.disconnect();
    await server.close();
  });
  beforeEach(async () => {
    await redis.flushall();
    path = await temporaryDirectory();
    await mkdir(path, { recursive: true });
  });

  /** An instance that runs, and has written its beacon to the session path. */
  const join = async (instance: string, changes: { host?: HostIdentity; protocol?: number } = {}) => {
    const holder = { ...leaseHolder(instance, 'x'), ...changes };
    await writeBeacon(new SessionPaths(path), instance, holder.beacon);
    await redisCoordination(redis, 3000).acquire(holder, 60_000, []);
  };
  const statuses = async (sessionPath: string | undefined = path) => {
    const findings = await checkFleet(server.url, sessionPath);
    return Object.fromEntries(findings.map(({ subject, status }) => [subject, status]));
  };

  it('finds nothing wrong beside instances that share the session path', async () => {
    await join('instance-1', { host: await hostIdentity() });
    await join('instance-2');
    expect(await statuses()).toEqual({
      'one protocol in the fleet': 'ok',
      'one host of this name': 'ok',
      'shared session path': 'ok',
    });
  });

  it('fails on another host of the same name, and says what to do', async () => {
    await join('instance-1', { host: { ...(await hostIdentity()), boot: 'another/1' } });
    const findings = await checkFleet(server.url, path);
    expect(findings[1]).toMatchObject({
      status: 'failed',
      detail: expect.stringContaining('instance-1 runs on another host of the same name'),
      hint: expect.stringContaining('hostnamectl'),
    });
  });

  it('fails where the session path does not show what the others wrote', async () => {
    await join('instance-1');
    await rm(new SessionPaths(path).beacons(), { recursive: true });
    expect((await statuses())['shared session path']).toBe('failed');
    expect((await statuses('/nowhere'))['shared session path']).toBe('failed');
  });

  it('fails on another protocol', async () => {
    await join('instance-1', { protocol: 99 });
    expect((await statuses())['one protocol in the fleet']).toBe('failed');
  });

  it('is skipped where nobody runs, and where Redis is not there', async () => {
    expect(await statuses()).toEqual({ fleet: 'skipped' });
    expect(await checkFleet('redis://127.0.0.1:1', path)).toMatchObject([{ status: 'skipped' }]);
    expect(await checkFleet(undefined, path)).toMatchObject([{ status: 'skipped' }]);
  });
});
