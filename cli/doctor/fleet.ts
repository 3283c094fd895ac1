import { messageOf } from '../../common/errors.ts';
import { createLogger } from '../../common/logger.ts';
import { connectRedis, parseRedisUrl } from '../../common/redis.ts';
import { readBeacon } from '../../fleet/beacons.ts';
import type { LeaseHolder } from '../../fleet/coordination.ts';
import {
  type FleetFault,
  hostNameFaults,
  liveHolders,
  protocolFaults,
  sharingFaults,
} from '../../fleet/fleet-checks.ts';
import { hostIdentity } from '../../fleet/host-identity.ts';
import { redisCoordination } from '../../fleet/redis-coordination.ts';
import { SessionPaths } from '../../fleet/session-paths.ts';
import { count } from '../output/text.ts';
import type { Finding } from './finding.ts';

const SUBJECTS: Record<FleetFault['kind'], string> = {
  protocol: 'one protocol in the fleet',
  host_name: 'one host of this name',
  not_shared: 'shared session path',
};
/** Milliseconds to connect in, and for a question. */
const PATIENCE = 3000;

/** What the instances that run say against this host in their fleet: what a supervisor asks at its start. */
export async function checkFleet(
  redisUrl: string | undefined,
  sessionPath: string | undefined,
): Promise<Finding[]> {
  const skipped = (detail: string): Finding[] => [{ subject: 'fleet', status: 'skipped', detail }];
  if (!redisUrl) return skipped('REDIS_URL is not set, and no local fleet runs here');
  let redis: Awaited<ReturnType<typeof connectRedis>>;
  try {
    redis = await connectRedis(parseRedisUrl(redisUrl), createLogger('silent', {}), PATIENCE);
  } catch {
    return skipped('Redis does not say who runs');
  }
  try {
    const coordination = redisCoordination(redis, PATIENCE);
    const [{ leases }, routers] = await Promise.all([coordination.leases(), coordination.routers()]);
    const holders = liveHolders(leases);
    if (holders.length === 0) return skipped('no instance runs');
    const faults = {
      protocol: protocolFaults(holders, routers),
      host_name: hostNameFaults(await hostIdentity(), holders),
      not_shared: sessionPath ? await unseen(sessionPath, holders) : null,
    };
    return Object.entries(SUBJECTS).map(([kind, subject]) =>
      findingOf(subject, faults[kind as FleetFault['kind']], holders),
    );
  } catch (error) {
    return skipped(messageOf(error));
  } finally {
    redis.disconnect();
  }
}

async function unseen(sessionPath: string, holders: readonly LeaseHolder[]): Promise<FleetFault[]> {
  const paths = new SessionPaths(sessionPath);
  const seen = new Map<string, string | null>();
  for (const { instance } of holders) seen.set(instance, await readBeacon(paths, instance).catch(() => null));
  return sharingFaults(sessionPath, holders, seen);
}

function findingOf(subject: string, faults: FleetFault[] | null, holders: readonly LeaseHolder[]): Finding {
  if (faults === null) return { subject, status: 'skipped', detail: 'WHATSAPP_SESSION_PATH is not set' };
  const [first] = faults;
  if (first === undefined)
    return { subject, status: 'ok', detail: `as ${count(holders.length, 'instance')} that run see it` };
  return {
    subject,
    status: 'failed',
    detail: faults.map(({ detail }) => detail).join('; '),
    hint: first.hint,
  };
}
