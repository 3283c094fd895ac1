import type { Coordination, Move, Order, ReassignRefusal } from './coordination.ts';
import { byId, ENDED_MOVES_KEPT, hasEnded } from './coordination-rules.ts';
import type { WorkspaceId } from './ids.ts';
import { redisKeys } from './keys.ts';
import type { MemoryRedis } from './memory-redis.ts';
import type { Assignment } from './records.ts';
import type { RegistryChange } from './registry.ts';

/**
 * The coordination of a fleet in memory; see {@link Coordination}. It says what the one in Redis says: `test/conformance/coordination.ts`.
 * Every method has done its step before it returns its promise, and never fails.
 */
export function memoryCoordination(redis: MemoryRedis): Coordination {
  return {
    async acquire(holder, ttl, replaces) {
      const { leases } = redis.state;
      const lease = leases.get(holder.instance);
      if (lease?.state === 'running' && !replaces.includes(lease.holder.incarnation))
        return { acquired: false, identity: redis.identity, holder: structuredClone(lease.holder) };
      redis.beginEra();
      const until = redis.clock.monotonic() + ttl;
      leases.set(holder.instance, { holder: structuredClone(holder), state: 'running', until });
      return { acquired: true, identity: redis.identity };
    },

    async renew(instance, incarnation, ttl) {
      const state = redis.state;
      const lease = state.leases.get(instance);
      const running = lease?.state === 'running' ? lease : undefined;
      const held = running?.holder.incarnation === incarnation;
      if (running && held) running.until = redis.clock.monotonic() + ttl;
      const assigned = new Map(state.assigned.get(instance));
      return {
        identity: redis.identity,
        held,
        heldBy: held ? null : (running?.holder.incarnation ?? null),
        assigned,
        orders: [...(state.orders.get(instance)?.values() ?? [])]
          .filter(({ workspace, epoch }) => assigned.get(workspace)?.epoch === epoch)
          .map(copyOf<Order>),
      };
    },

    async release(instance, incarnation, grace) {
      const { leases } = redis.state;
      const lease = leases.get(instance);
      if (lease?.holder.incarnation !== incarnation) return;
      if (grace > 0) {
        lease.state = 'restarting';
        lease.until = redis.clock.monotonic() + grace;
      } else leases.delete(instance);
    },

    async leases() {
      const now = redis.clock.monotonic();
      return {
        identity: redis.identity,
        leases: [...redis.state.leases.values()].map(({ holder, state, until }) => ({
          holder: structuredClone(holder),
          state,
          remaining: until - now,
        })),
      };
    },

    async assignment(workspace) {
      const found = redis.state.assignments.get(workspace);
      return found && { ...found };
    },

    async assignments() {
      return [...redis.state.assignments.values()].map(copyOf<Assignment>);
    },

    async recordAssignment(assignment) {
      const { epoch, claimed, since } = assignment;
      const before = redis.state.assignments.get(assignment.workspace_id);
      if (before && before.epoch > epoch) return false;
      if (before?.epoch === epoch) {
        const same = before.instance === assignment.instance && before.incarnation === assignment.incarnation;
        if (before.claimed ? !(same && claimed) : !(same || claimed)) return false;
      }
      assign(redis, { ...assignment, since: since === 0 ? redis.clock.now() : since });
      return true;
    },

    async takeOver(workspace, epoch, to) {
      return reassign(redis, workspace, epoch, to, ({ instance }) =>
        redis.state.leases.has(instance) ? 'lease_held' : undefined,
      );
    },
    async handOver(workspace, epoch, incarnation, to) {
      return reassign(redis, workspace, epoch, to, (before) =>
        before.claimed && before.incarnation === incarnation ? undefined : 'not_yours',
      );
    },
    async redirect(workspace, epoch, to) {
      return reassign(redis, workspace, epoch, to, ({ claimed }) => (claimed ? 'not_yours' : undefined));
    },

    async forgetAssignment(workspace, epoch) {
      const { assignments, assigned, orders } = redis.state;
      const before = assignments.get(workspace);
      if (before?.epoch !== epoch) return;
      assignments.delete(workspace);
      assigned.get(before.instance)?.delete(workspace);
      orders.get(before.instance)?.delete(workspace);
    },

    async order(instance, order) {
      mapOf(redis.state.orders, instance).set(order.workspace, { ...order });
    },

    async withdrawOrder(instance, workspace) {
      redis.state.orders.get(instance)?.delete(workspace);
    },

    async lead(router, ttl) {
      const state = redis.state;
      const leader = state.leader?.router ?? router;
      if (leader === router) state.leader = { router, until: redis.clock.monotonic() + ttl };
      return { identity: redis.identity, leader };
    },

    async resign(router) {
      const state = redis.state;
      if (state.leader?.router === router) state.leader = null;
    },

    async noteRouter(note, ttl) {
      const until = redis.clock.monotonic() + ttl;
      redis.state.routers.set(note.router, { note: structuredClone(note), until });
    },

    async routers() {
      return [...redis.state.routers.values()].map(({ note }) => structuredClone(note));
    },

    async forgetRouter(router) {
      redis.state.routers.delete(router);
    },

    async saveMove(move, before) {
      const state = redis.state;
      if ((state.moves.get(move.id)?.state ?? null) !== before) return false;
      state.moves.set(move.id, { ...move });
      if (!hasEnded(move)) state.ended = state.ended.filter((id) => id !== move.id);
      else if (!state.ended.includes(move.id)) state.ended.push(move.id);
      while (state.ended.length > ENDED_MOVES_KEPT) state.moves.delete(state.ended.shift() ?? '');
      return true;
    },

    async moves() {
      return [...redis.state.moves.values()].map(copyOf<Move>).sort(byId);
    },

    async poke(instance) {
      redis.publish(redisKeys.poke(instance), '');
    },

    async onPoke(instance, poked) {
      const close = redis.subscribe(redisKeys.poke(instance), () => poked());
      return async () => close();
    },
  };
}

/** To another instance at the next epoch, unless a refusal comes first. */
function reassign(
  redis: MemoryRedis,
  workspace: WorkspaceId,
  epoch: number,
  to: string,
  refusal: (before: Assignment) => ReassignRefusal | undefined,
): number | ReassignRefusal {
  const { assignments, leases } = redis.state;
  const before = assignments.get(workspace);
  if (before?.epoch !== epoch) return 'epoch_changed';
  const refused = refusal(before);
  if (refused) return refused;
  if (leases.get(to)?.state !== 'running') return 'target_gone';
  assign(redis, {
    workspace_id: workspace,
    epoch: epoch + 1,
    instance: to,
    incarnation: '',
    claimed: false,
    since: redis.clock.now(),
  });
  return epoch + 1;
}

/** Writes an assignment in all its places; an order for another epoch or another instance ends with it. */
function assign(redis: MemoryRedis, assignment: Assignment): void {
  const { assignments, assigned, orders } = redis.state;
  const { workspace_id: workspace, epoch, instance, claimed } = assignment;
  const before = assignments.get(workspace);
  if (before) assigned.get(before.instance)?.delete(workspace);
  if (before && before.instance !== instance) orders.get(before.instance)?.delete(workspace);
  if (orders.get(instance)?.get(workspace)?.epoch !== epoch) orders.get(instance)?.delete(workspace);
  assignments.set(workspace, assignment);
  mapOf(assigned, instance).set(workspace, { epoch, claimed });
  redis.publish(
    redisKeys.changes,
    JSON.stringify({ kind: 'assignment', assignment } satisfies RegistryChange),
  );
}

function mapOf<Value>(maps: Map<string, Map<WorkspaceId, Value>>, instance: string): Map<WorkspaceId, Value> {
  const map = maps.get(instance) ?? new Map<WorkspaceId, Value>();
  maps.set(instance, map);
  return map;
}

function copyOf<Value extends object>(value: Value): Value {
  return { ...value };
}
