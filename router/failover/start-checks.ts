import type { Clock } from '../../common/clock.ts';
import { WharfError } from '../../common/errors.ts';
import type { Coordination, LeaseHolder, RouterNote } from '../../fleet/coordination.ts';
import { liveHolders, protocolFaults } from '../../fleet/fleet-checks.ts';
import type { OwnershipTimes } from '../../fleet/ownership-times.ts';
import { Patience } from '../../fleet/patience.ts';

/** Between two looks while something stands against starting, milliseconds. */
const PAUSE = 500;

/**
 * What stands against a router beside those that are there, as sentences for people. Pure.
 *
 * Two routers that divide by different counts would send one workspace's first session to two homes.
 */
export function routerFaults(
  me: Pick<RouterNote, 'router' | 'instance_count' | 'shard_strategy'>,
  others: readonly RouterNote[],
  holders: readonly LeaseHolder[],
): string[] {
  const routers = others.filter(({ router }) => router !== me.router);
  const settings = routers.flatMap(({ router, host, instance_count, shard_strategy }) => {
    const who = `router ${router} on host ${host.name}`;
    const faults: string[] = [];
    if (instance_count !== me.instance_count)
      faults.push(
        `${who} has WHATSAPP_INSTANCE_COUNT ${instance_count}, this one ${me.instance_count}: they disagree about every workspace's home. Give all routers one count: stop the others first where it is to change.`,
      );
    if (shard_strategy !== me.shard_strategy)
      faults.push(
        `${who} has WHATSAPP_SHARD_STRATEGY ${shard_strategy}, this one ${me.shard_strategy}. Give all routers one strategy.`,
      );
    return faults;
  });
  return [...protocolFaults(holders, routers).map(({ detail, hint }) => `${detail}. ${hint}`), ...settings];
}

/**
 * Checks that a router fits the fleet. A router or instance that was killed is still named for a lease's time: what stands against this one is
 * looked at again for so long.
 *
 * @throws WharfError `config_invalid` with who does not fit and what to do; `redis_unavailable`
 */
export async function requireFittingFleet(
  me: Pick<RouterNote, 'router' | 'instance_count' | 'shard_strategy'>,
  coordination: Pick<Coordination, 'routers' | 'leases'>,
  clock: Clock,
  times: OwnershipTimes,
): Promise<void> {
  const patience = new Patience(clock, { ...times, redis: times.redis * 2 });
  const end = clock.monotonic() + times.lease + times.renew;
  for (;;) {
    const [routers, { leases }] = await Promise.all([
      patience.redis(coordination.routers()),
      patience.redis(coordination.leases()),
    ]);
    const faults = routerFaults(me, routers, liveHolders(leases));
    if (faults.length === 0) return;
    if (clock.monotonic() >= end) {
      const list = faults.map((fault) => `  ${fault}`).join('\n');
      throw new WharfError('config_invalid', `This router does not fit the fleet that runs:\n${list}`, {
        faults: faults.map((message) => ({ path: 'fleet', message })),
      });
    }
    await clock.sleep(PAUSE);
  }
}
