import type { Clock } from '../../common/clock.ts';
import { messageOf, WharfError } from '../../common/errors.ts';
import type { Logger } from '../../common/logger.ts';
import type { Coordination, HostIdentity, LeaseHolder, RouterNote } from '../../fleet/coordination.ts';
import {
  describeHolder,
  hostNameFaults,
  liveHolders,
  protocolFaults,
  sharingFaults,
} from '../../fleet/fleet-checks.ts';
import { isSameHost } from '../../fleet/host-identity.ts';

/** What a fleet looks like to an instance that is about to join it. */
export interface FleetView {
  holders: readonly LeaseHolder[];
  routers: readonly RouterNote[];
  /** Instance -> what its beacon on the session path says, null where there is none. */
  beacons: ReadonlyMap<string, string | null>;
  /** Of those that hold a lease from this very host, the supervisors that have ended. */
  dead: ReadonlySet<LeaseHolder>;
}

/** Whether an instance may join. */
export type JoinVerdict =
  /** Yes; the incarnations are earlier ones of itself that still hold its lease. */
  | { kind: 'join'; replaces: string[] }
  /** Not as it is now. It may be only what is left of processes that have ended: their leases lapse. */
  | { kind: 'refuse'; reasons: string[] };

/** Decides whether an instance may join a fleet. Pure. */
export function judgeFleet(
  me: { instance: string; host: HostIdentity; sessionPath: string },
  { holders, routers, beacons, dead }: FleetView,
): JoinVerdict {
  const mine = holders.find(({ instance }) => instance === me.instance);
  const others = holders.filter((holder) => holder !== mine && !dead.has(holder));
  const faults = [
    ...protocolFaults(others, routers),
    ...hostNameFaults(me.host, others),
    ...sharingFaults(me.sessionPath, others, beacons),
  ];
  const reasons = faults.map(({ detail, hint }) => `${detail}. ${hint}`);
  if (mine !== undefined && !dead.has(mine)) reasons.unshift(heldBy(me.instance, mine));
  if (reasons.length > 0) return { kind: 'refuse', reasons };
  return { kind: 'join', replaces: mine === undefined ? [] : [mine.incarnation] };
}

/** Why an instance may not run: its lease is another's. */
export function heldBy(instance: string, holder: LeaseHolder): string {
  return `INSTANCE_ID ${instance} is held by ${describeHolder(holder)}. Stop that one first, or give this one another INSTANCE_ID.`;
}

/** What the checks need. */
export interface StartCheckParts {
  me: { instance: string; host: HostIdentity; sessionPath: string };
  coordination: Pick<Coordination, 'leases' | 'routers'>;
  /** Reads an instance's beacon; see fleet/beacons.ts. */
  readBeacon(instance: string): Promise<string | null>;
  /** When a process of this host was started; see `processStart`. */
  processStart(pid: number): Promise<string | null>;
  clock: Clock;
  /** Milliseconds until what was left by processes that have ended is gone. */
  patience: number;
  log: Logger;
}

/** Between two looks, milliseconds. */
const INTERVAL = 500;

/**
 * Looks at the fleet until this instance may join it.
 *
 * @returns the incarnations of this instance that have ended and still hold its lease
 * @throws WharfError `config_invalid` with all reasons when it may not within the patience; `redis_unavailable`; the signal's reason
 */
export async function waitToJoin(parts: StartCheckParts, signal: AbortSignal): Promise<string[]> {
  const { me, clock, patience, log } = parts;
  const end = clock.monotonic() + patience;
  for (let told = false; ; told = true) {
    signal.throwIfAborted();
    const verdict = judgeFleet(me, await viewFleet(parts));
    if (verdict.kind === 'join') return verdict.replaces;
    if (clock.monotonic() >= end) {
      const list = verdict.reasons.map((reason) => `  ${reason}`).join('\n');
      throw new WharfError('config_invalid', `${me.instance} does not start:\n${list}`);
    }
    if (!told)
      log.warn({ reasons: verdict.reasons }, 'waits whether what speaks against its start goes away');
    await clock.sleep(INTERVAL, signal);
  }
}

async function viewFleet(parts: StartCheckParts): Promise<FleetView> {
  const { me, coordination, readBeacon, processStart, log } = parts;
  const [{ leases }, routers] = await Promise.all([coordination.leases(), coordination.routers()]);
  const holders = liveHolders(leases);
  const beacons = new Map<string, string | null>();
  const dead = new Set<LeaseHolder>();
  await Promise.all(
    holders.map(async (holder) => {
      if (isSameHost(holder.host, me.host) && (await processStart(holder.pid)) !== holder.pid_start)
        dead.add(holder);
      const beacon = await readBeacon(holder.instance).catch((error: unknown) => {
        log.warn({ instance: holder.instance, reason: messageOf(error) }, 'its beacon cannot be read');
        return null;
      });
      beacons.set(holder.instance, beacon);
    }),
  );
  return { holders, routers, beacons, dead };
}
