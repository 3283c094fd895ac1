import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Redis } from '../common/redis.ts';
import type { AssignedEpoch, Coordination, Lease, LeaseHolder, RedisIdentity } from './coordination.ts';
import { byId, ENDED_MOVES_KEPT, hasEnded, unreadableHolder } from './coordination-rules.ts';
import { leaseHolderSchema, moveSchema, orderSchema, routerNoteSchema } from './coordination-schemas.ts';
import { isWorkspaceId, type WorkspaceId } from './ids.ts';
import { redisKeys } from './keys.ts';
import { assignmentSchema } from './records.ts';
import { readJson, redisAnswer } from './redis-answers.ts';
import { RedisCommand } from './redis-command.ts';
import { subscribeTo } from './redis-subscriber.ts';

/** The assignments of the fleet, and what is kept beside them: the first keys of the commands that change them. */
const ASSIGNMENT_KEYS = [
  redisKeys.assignments,
  redisKeys.assigned(''),
  redisKeys.orders(''),
  redisKeys.known,
] as const;

const acquiredSchema = z.union([
  z.tuple([z.string(), z.string(), z.literal(1)]),
  z.tuple([z.string(), z.string(), z.literal(0), z.string(), z.string().nullable()]),
]);
const renewalSchema = z.tuple([
  z.string(),
  z.string(),
  z.union([z.literal(0), z.literal(1)]),
  z.string().nullable(),
  z.array(z.string()),
  z.array(z.string()),
]);
const leasesSchema = z.tuple(
  [z.string(), z.string()],
  z.tuple([z.string(), z.string(), z.string(), z.string(), z.number()]),
);
const reassignedSchema = z.enum(['done', 'epoch_changed', 'lease_held', 'not_yours', 'target_gone']);
const textSchema = z.string().nullable();
const textsSchema = z.array(z.string());

/**
 * The coordination of a fleet through Redis (7.0 or newer); see {@link Coordination}. What cannot be read there (another version wrote it) is
 * passed over.
 *
 * @param timeout milliseconds after which a question is taken as not answered; Redis may still do what was asked
 */
export function redisCoordination(redis: Redis, timeout: number): Coordination {
  const command = <Reply>(name: string, reply: z.ZodType<Reply>) => {
    const loaded = new RedisCommand(name);
    return (...values: (string | number)[]): Promise<Reply> =>
      redisAnswer(
        loaded.run(redis, ...values).then((answer) => reply.parse(answer)),
        timeout,
      );
  };
  const acquire = command('acquire-3', acquiredSchema);
  const renew = command('renew-4', renewalSchema);
  const release = command('release-1', z.unknown());
  const leases = command('leases-3', leasesSchema);
  const recordAssignment = command('record-assignment-5', z.number());
  const reassign = command('reassign-6', reassignedSchema);
  const forgetAssignment = command('forget-assignment-4', z.unknown());
  const readField = command('read-field-1', textSchema);
  const readHash = command('read-hash-1', textsSchema);
  const writeField = command('write-field-1', z.unknown());
  const removeField = command('remove-field-1', z.unknown());
  const lead = command('lead-2', z.tuple([z.string(), z.string(), z.string()]));
  const resign = command('resign-1', z.unknown());
  const noteRouter = command('note-router-2', z.unknown());
  const routers = command('routers-2', textsSchema);
  const forgetRouter = command('forget-router-2', z.unknown());
  const saveMove = command('save-move-2', z.number());
  const poke = command('poke-1', z.unknown());

  const reassigned = async (
    how: 'take_over' | 'hand_over' | 'redirect',
    workspace: WorkspaceId,
    epoch: number,
    to: string,
    incarnation = '',
  ) => {
    const keys = [...ASSIGNMENT_KEYS, redisKeys.changes, redisKeys.lease('')];
    const outcome = await reassign(...keys, workspace, epoch, epoch + 1, to, how, incarnation);
    return outcome === 'done' ? epoch + 1 : outcome;
  };

  return {
    async acquire(holder, ttl, replaces) {
      const { instance, incarnation } = holder;
      const keys = [redisKeys.lease(instance), redisKeys.known, redisKeys.era];
      const text = JSON.stringify(holder);
      const answer = await acquire(...keys, instance, incarnation, text, ttl, randomUUID(), ...replaces);
      const identity: RedisIdentity = { era: answer[0], server: answer[1] };
      if (answer[2] === 1) return { acquired: true, identity };
      return { acquired: false, identity, holder: readHolder(instance, answer[3], answer[4]) };
    },

    async renew(instance, incarnation, ttl) {
      const keys = [
        redisKeys.lease(instance),
        redisKeys.assigned(instance),
        redisKeys.orders(instance),
        redisKeys.era,
      ];
      const [era, server, held, heldBy, pairs, orderTexts] = await renew(...keys, incarnation, ttl);
      const assigned = readAssigned(pairs);
      const orders = orderTexts.flatMap((text) => {
        const order = readJson(orderSchema, text);
        return order && assigned.get(order.workspace)?.epoch === order.epoch ? [order] : [];
      });
      return {
        identity: { era, server },
        held: held === 1,
        heldBy,
        assigned,
        orders,
      };
    },

    async release(instance, incarnation, grace) {
      await release(redisKeys.lease(instance), incarnation, grace);
    },

    async leases() {
      const [era, server, ...rows] = await leases(redisKeys.known, redisKeys.lease(''), redisKeys.era);
      return {
        identity: { era, server },
        leases: rows.map(
          ([instance, incarnation, state, holder, remaining]): Lease => ({
            holder: readHolder(instance, incarnation, holder),
            state: state === 'restarting' ? 'restarting' : 'running',
            remaining: Math.max(0, remaining),
          }),
        ),
      };
    },

    async assignment(workspace) {
      const found = readJson(assignmentSchema, await readField(redisKeys.assignments, workspace));
      return found?.workspace_id === workspace ? found : undefined;
    },

    async assignments() {
      const texts = await readHash(redisKeys.assignments);
      return texts.flatMap((text) => readJson(assignmentSchema, text) ?? []);
    },

    async recordAssignment({ workspace_id, epoch, instance, incarnation, claimed, since }) {
      const keys = [...ASSIGNMENT_KEYS, redisKeys.changes];
      const values = [workspace_id, epoch, instance, incarnation, claimed ? 1 : 0, since];
      return (await recordAssignment(...keys, ...values)) === 1;
    },

    takeOver: (workspace, epoch, to) => reassigned('take_over', workspace, epoch, to),
    handOver: (workspace, epoch, incarnation, to) =>
      reassigned('hand_over', workspace, epoch, to, incarnation),
    redirect: (workspace, epoch, to) => reassigned('redirect', workspace, epoch, to),

    async forgetAssignment(workspace, epoch) {
      await forgetAssignment(...ASSIGNMENT_KEYS, workspace, epoch);
    },

    async order(instance, order) {
      await writeField(redisKeys.orders(instance), order.workspace, JSON.stringify(order));
    },

    async withdrawOrder(instance, workspace) {
      await removeField(redisKeys.orders(instance), workspace);
    },

    async lead(router, ttl) {
      const [era, server, leader] = await lead(redisKeys.leader, redisKeys.era, router, ttl);
      return { identity: { era, server }, leader };
    },

    async resign(router) {
      await resign(redisKeys.leader, router);
    },

    async noteRouter(note, ttl) {
      await noteRouter(
        redisKeys.router(note.router),
        redisKeys.routers,
        note.router,
        JSON.stringify(note),
        ttl,
      );
    },

    async routers() {
      const texts = await routers(redisKeys.routers, redisKeys.router(''));
      return texts.flatMap((text) => readJson(routerNoteSchema, text) ?? []);
    },

    async forgetRouter(router) {
      await forgetRouter(redisKeys.router(router), redisKeys.routers, router);
    },

    async saveMove(move, before) {
      const ended = hasEnded(move) ? 1 : 0;
      const written = await saveMove(
        redisKeys.moves,
        redisKeys.endedMoves,
        move.id,
        JSON.stringify(move),
        ended,
        ENDED_MOVES_KEPT,
        before ?? '',
      );
      return written === 1;
    },

    async moves() {
      const texts = await readHash(redisKeys.moves);
      const moves = texts.flatMap((text) => readJson(moveSchema, text) ?? []);
      return moves.sort(byId);
    },

    async poke(instance) {
      await poke(redisKeys.poke(instance));
    },

    // After a gap as well: one may have been lost.
    onPoke: (instance, poked) => subscribeTo(redis, redisKeys.poke(instance), () => poked(), poked),
  };
}

function readHolder(instance: string, incarnation: string, text: string | null): LeaseHolder {
  const holder = readJson(leaseHolderSchema, text);
  const isThis = holder?.instance === instance && holder.incarnation === incarnation;
  return isThis ? holder : unreadableHolder(instance, incarnation);
}

/** `[workspace, 'epoch:1', ...]` as renew-4.lua gives it. */
function readAssigned(pairs: string[]): Map<WorkspaceId, AssignedEpoch> {
  const assigned = new Map<WorkspaceId, AssignedEpoch>();
  for (let index = 0; index + 1 < pairs.length; index += 2) {
    const workspace = pairs[index] ?? '';
    const match = /^([1-9]\d{0,15}):([01])$/.exec(pairs[index + 1] ?? '');
    if (match && isWorkspaceId(workspace))
      assigned.set(workspace, { epoch: Number(match[1]), claimed: match[2] === '1' });
  }
  return assigned;
}
