import type { WorkspaceId } from './ids.ts';
import type { Assignment } from './records.ts';

/**
 * Which Redis answered. Another era: it was emptied, or is another one. Another server: it was restarted, or a replica took its place, which
 * may have missed the last writes. No answer of a Redis that is not the one a lease was taken in proves anything.
 */
export interface RedisIdentity {
  /** Random, kept under a key that only an emptied Redis lacks; empty where there is none. */
  era: string;
  /** The server's run id. */
  server: string;
}

/** A host, as precisely as it can be told from another: two hosts may have one name. */
export interface HostIdentity {
  name: string;
  /** The kernel's boot id and the pid namespace: the same only where pids mean the same processes. */
  boot: string;
}

/** Who holds an instance's lease. */
export interface LeaseHolder {
  instance: string;
  incarnation: string;
  protocol: number;
  host: HostIdentity;
  /** The supervisor's pid, and when it started (clock ticks since boot), so that a pid used again is not mistaken for it. */
  pid: number;
  pid_start: string;
  /** What it wrote at its start to `fleet/beacons/{instance}.{n}.{beacon}` on the shared storage: who cannot see it there does not share it. */
  beacon: string;
  started_at: string;
}

/** An instance's lease as the others see it. */
export interface Lease {
  holder: LeaseHolder;
  /** `restarting`: it stopped cleanly and is expected back before `remaining` is over. */
  state: 'running' | 'restarting';
  /** Milliseconds until it lapses. */
  remaining: number;
}

/** A workspace that is assigned to an instance, as the renewal of its lease tells. */
export interface AssignedEpoch {
  epoch: number;
  /** False until the instance has claimed it on the shared storage. */
  claimed: boolean;
}

/** Something an instance is asked to do with a workspace it owns. Level-triggered: told at every renewal until the epoch has changed or it is taken back. */
export interface Order {
  workspace: WorkspaceId;
  /** The epoch it is for; at another one it means nothing. */
  epoch: number;
  /** Close, release, and hand over to this instance; null: release only, whoever gave the order assigns it. */
  to: string | null;
  /** The move it belongs to, where it belongs to one. */
  move: string | null;
}

/** The answer to a renewal: one moment of Redis. */
export interface Renewal {
  identity: RedisIdentity;
  /** Whether the lease was held, and so is held on. */
  held: boolean;
  /** The incarnation that holds it instead, or null where it lapsed. */
  heldBy: string | null;
  assigned: ReadonlyMap<WorkspaceId, AssignedEpoch>;
  orders: readonly Order[];
}

/** The outcome of {@link Coordination.acquire}. */
export type Acquired =
  | { acquired: true; identity: RedisIdentity }
  | { acquired: false; identity: RedisIdentity; holder: LeaseHolder };

/** Why an assignment was not changed. */
export type ReassignRefusal = 'epoch_changed' | 'lease_held' | 'not_yours' | 'target_gone';

/** A planned hand-over of one workspace. Ids sort by time. */
export interface Move {
  id: string;
  workspace: WorkspaceId;
  from: string;
  /** Null: wherever there is room, decided when it begins. */
  to: string | null;
  reason: 'move' | 'drain' | 'rebalance' | 'hand_over' | 'restart';
  /**
   * `queued`: not begun; where it waits for what does not pass by itself, `error` says for what. `closing`: its owner was asked to close and release. `adopting`: assigned to the target, which claims and starts.
   * `done`: the target claimed it. `failed`: see `error`; the workspace is where it was, or on its way by the failover's own means.
   */
  state: 'queued' | 'closing' | 'adopting' | 'done' | 'failed';
  /** The workspace's epoch when it began, and the one the target got; null before. */
  from_epoch: number | null;
  to_epoch: number | null;
  requested_at: string;
  started_at: string | null;
  ended_at: string | null;
  error: string | null;
}

/** What a router tells the others of itself, renewed; gone when it is. */
export interface RouterNote {
  router: string;
  protocol: number;
  instance_count: number;
  shard_strategy: string;
  host: HostIdentity;
  /** What its probes of the instances say: instance id -> milliseconds it has not answered for, 0 where it answers. */
  silent: Record<string, number>;
}

/**
 * What the processes of a fleet agree on through Redis. Redis only caches who owns what: the claims on the shared storage decide
 * (`ClaimStore`), and nothing here may run ahead of them but an assignment that is not claimed yet.
 *
 * Every method is one step in Redis, and throws `redis_unavailable` when Redis is away, still loading, read-only, full, or cannot write.
 */
export interface Coordination {
  /**
   * Takes an instance's lease: where nobody holds it (one that is `restarting` is held by nobody), or where one of `replaces` does (earlier
   * incarnations whose processes were seen to end; the same incarnation after Redis changed). Makes the era where there is none.
   */
  acquire(holder: LeaseHolder, ttl: number, replaces: readonly string[]): Promise<Acquired>;
  /** Renews a lease that is held; never one that lapsed. Tells what is assigned and ordered in the same moment. */
  renew(instance: string, incarnation: string, ttl: number): Promise<Renewal>;
  /** Gives a lease up where `incarnation` holds it: at once, or, with `grace` milliseconds, as `restarting` for so long. */
  release(instance: string, incarnation: string, grace: number): Promise<void>;
  /** All leases that are held, and which Redis said so. */
  leases(): Promise<{ identity: RedisIdentity; leases: Lease[] }>;

  /** Who owns a workspace, as far as Redis knows. */
  assignment(workspace: WorkspaceId): Promise<Assignment | undefined>;
  assignments(): Promise<Assignment[]>;
  /**
   * Records what a claim on the shared storage says. False, and nothing is changed, where a higher epoch stands there, or the same one
   * claimed by another. One that is not claimed yet never takes the place of another's at its own epoch. A `since` of 0 becomes now.
   */
  recordAssignment(assignment: Assignment): Promise<boolean>;
  /**
   * Takes a workspace from an instance that is dead: in one step the instance's lease is absent, the epoch still `epoch`, and the
   * workspace becomes `to`'s at the next epoch, unclaimed. Refused as `target_gone` where `to` holds no running lease.
   *
   * @returns the new epoch, or why not
   */
  takeOver(workspace: WorkspaceId, epoch: number, to: string): Promise<number | ReassignRefusal>;
  /** The same by the owner itself, `incarnation`, which has released it; its order goes with it. */
  handOver(
    workspace: WorkspaceId,
    epoch: number,
    incarnation: string,
    to: string,
  ): Promise<number | ReassignRefusal>;
  /** Gives a workspace that was assigned and never claimed to another instance, at the next epoch; `not_yours` where it was claimed. */
  redirect(workspace: WorkspaceId, epoch: number, to: string): Promise<number | ReassignRefusal>;
  /** Forgets the assignment of a workspace that is no longer there, where it still stands at this epoch. */
  forgetAssignment(workspace: WorkspaceId, epoch: number): Promise<void>;

  /** Gives an order, in place of an earlier one for the same workspace. It is told while the workspace is assigned there at its epoch. */
  order(instance: string, order: Order): Promise<void>;
  /** Takes an order back. */
  withdrawOrder(instance: string, workspace: WorkspaceId): Promise<void>;

  /** Becomes, or stays, the leader of the routers; tells who leads. */
  lead(router: string, ttl: number): Promise<{ identity: RedisIdentity; leader: string }>;
  resign(router: string): Promise<void>;
  /** Says what a router is and sees, for `ttl` milliseconds. */
  noteRouter(note: RouterNote, ttl: number): Promise<void>;
  routers(): Promise<RouterNote[]>;
  forgetRouter(router: string): Promise<void>;

  /**
   * Writes a move, where it is in the state `before` (null: not there yet); the last hundred that ended are kept. False, and nothing is
   * written, where it is not: somebody else took it further, or back.
   */
  saveMove(move: Move, before: Move['state'] | null): Promise<boolean>;
  moves(): Promise<Move[]>;

  /** Asks an instance to renew now: something was assigned or ordered. */
  poke(instance: string): Promise<void>;
  /** Calls back at every poke of an instance, and where one may have been missed, until closed. */
  onPoke(instance: string, poked: () => void): Promise<() => Promise<void>>;
}
