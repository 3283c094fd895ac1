import type { HostIdentity, Lease, LeaseHolder, RouterNote } from './coordination.ts';
import { isSameKernel } from './host-identity.ts';
import { PROTOCOL_VERSION } from './records.ts';

/** Something about a fleet that would cost sessions if one more process went to work in it. */
export interface FleetFault {
  kind: 'protocol' | 'host_name' | 'not_shared';
  /** What is wrong, with whom. */
  detail: string;
  /** What to do about it. */
  hint: string;
}

/** Live instances. One that stopped cleanly and is expected back holds its lease, but is nobody now. */
export function liveHolders(leases: readonly Lease[]): LeaseHolder[] {
  return leases.filter(({ state }) => state === 'running').map(({ holder }) => holder);
}

/** Who speaks another protocol: what they say to each other would be misunderstood. */
export function protocolFaults(
  holders: readonly LeaseHolder[],
  routers: readonly RouterNote[],
): FleetFault[] {
  const others = [
    ...holders.map((holder) => ({ who: describeHolder(holder), protocol: holder.protocol })),
    ...routers.map(({ router, host, protocol }) => ({
      who: `router ${router} on host ${host.name}`,
      protocol,
    })),
  ].filter(({ protocol }) => protocol !== PROTOCOL_VERSION);
  return others.map(({ who, protocol }) => ({
    kind: 'protocol',
    detail: `${who} speaks ${protocol === 0 ? 'a protocol that cannot be read' : `protocol ${protocol}`}, this one ${PROTOCOL_VERSION}`,
    hint: 'Run one version of Wharf in the whole fleet: stop the others before this one starts.',
  }));
}

/** Hosts that are not this one and have its name: NFS was seen to give two such clients the same exclusive lock. */
export function hostNameFaults(me: HostIdentity, holders: readonly LeaseHolder[]): FleetFault[] {
  return holders
    .filter(({ host }) => host.name === me.name && !isSameKernel(host, me))
    .map((holder) => ({
      kind: 'host_name',
      detail: `${holder.instance} runs on another host of the same name, ${me.name}`,
      hint: 'Give each host a name of its own (hostnamectl set-hostname NAME): a file server may give two hosts of one name the same lock.',
    }));
}

/**
 * Instances whose beacon cannot be seen.
 *
 * @param seen instance -> what its beacon on the storage says, null where there is none
 */
export function sharingFaults(
  sessionPath: string,
  holders: readonly LeaseHolder[],
  seen: ReadonlyMap<string, string | null>,
): FleetFault[] {
  return holders
    .filter(({ instance, beacon }) => beacon !== '' && seen.get(instance) !== beacon)
    .map((holder) => ({
      kind: 'not_shared',
      detail: `${sessionPath} does not show what ${describeHolder(holder)} wrote to its session path`,
      hint: 'Mount the same file system on both, and set WHATSAPP_SESSION_PATH to it: instances that do not share it would each claim the same workspaces.',
    }));
}

/** `instance-2 on host b (supervisor 4711, since 2026-11-22T03:00:00.000Z)` */
export function describeHolder({ instance, host, pid, started_at }: LeaseHolder): string {
  if (pid === 0) return `${instance} (of another version)`;
  return `${instance} on host ${host.name} (supervisor ${pid}, since ${started_at})`;
}
