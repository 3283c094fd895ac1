import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { messageOf, WharfError } from '../common/errors.ts';
import type { ChainableCommander, Redis } from '../common/redis.ts';
import { redisKeys, sessionField } from './keys.ts';
import { announcementSchema, assignmentSchema, sessionDetailSchema } from './records.ts';
import type { Registry, RegistryChange } from './registry.ts';

const changeSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('instance'), announcement: announcementSchema }),
  z.object({ kind: z.literal('instance_gone'), instance: z.string(), incarnation: z.string() }),
  z.object({ kind: z.literal('assignment'), assignment: assignmentSchema }),
  z.object({ kind: z.literal('session'), instance: z.string(), session: sessionDetailSchema }),
  z.object({
    kind: z.literal('sessions_replaced'),
    instance: z.string(),
    sessions: z.array(sessionDetailSchema),
  }),
  z.object({
    kind: z.literal('session_gone'),
    instance: z.string(),
    workspace_id: z.string(),
    session_id: z.string(),
  }),
]);

/** The registry in Redis; see {@link Registry}. What cannot be read there (another version wrote it) is passed over. */
export function redisRegistry(redis: Redis): Registry {
  const recordAssignment = readFileSync(
    new URL('./commands/record-assignment-1.lua', import.meta.url),
    'utf8',
  );
  const publish = (change: RegistryChange) => redis.publish(redisKeys.changes, JSON.stringify(change));

  const readAnnouncements = async (ids: string[]) => {
    const texts = ids.length === 0 ? [] : await redis.mget(ids.map(redisKeys.announcement));
    return texts.flatMap((text) => readJson(announcementSchema, text) ?? []);
  };

  const registry: Registry = {
    async announce(announcement, ttl) {
      const replies = await all(
        redis
          .pipeline()
          .set(redisKeys.announcement(announcement.instance), JSON.stringify(announcement), 'PX', ttl)
          .hset(redisKeys.instances, announcement.instance, announcement.started_at)
          .publish(
            redisKeys.changes,
            JSON.stringify({ kind: 'instance', announcement } satisfies RegistryChange),
          ),
      );
      // HSET answers how many fields were added.
      return replies[1] === 0;
    },

    async withdraw(instance, incarnation) {
      const current = readJson(announcementSchema, await redis.get(redisKeys.announcement(instance)));
      if (current && current.incarnation !== incarnation) return;
      await redis.del(redisKeys.announcement(instance));
      await publish({ kind: 'instance_gone', instance, incarnation });
    },

    async recordAssignment(assignment) {
      const recorded = await redis.eval(
        recordAssignment,
        1,
        redisKeys.assignments,
        assignment.workspace_id,
        assignment.epoch,
        JSON.stringify(assignment),
      );
      if (recorded === 1) await publish({ kind: 'assignment', assignment });
      return recorded === 1;
    },

    async publishSession(instance, session) {
      const change: RegistryChange = { kind: 'session', instance, session };
      const field = sessionField(String(session.workspace_id), session.session_id);
      await all(
        redis
          .pipeline()
          .hset(redisKeys.sessions(instance), field, JSON.stringify(session))
          .publish(redisKeys.changes, JSON.stringify(change)),
      );
    },

    async removeSession(instance, workspace, session) {
      const change: RegistryChange = {
        kind: 'session_gone',
        instance,
        workspace_id: workspace,
        session_id: session,
      };
      await all(
        redis
          .pipeline()
          .hdel(redisKeys.sessions(instance), sessionField(workspace, session))
          .publish(redisKeys.changes, JSON.stringify(change)),
      );
    },

    async replaceSessions(instance, sessions) {
      const key = redisKeys.sessions(instance);
      const step = redis.multi().del(key);
      for (const session of sessions) {
        step.hset(
          key,
          sessionField(String(session.workspace_id), session.session_id),
          JSON.stringify(session),
        );
      }
      await all(step);
      await publish({ kind: 'sessions_replaced', instance, sessions });
    },

    async snapshot() {
      const [ids, assignments] = await Promise.all([
        redis.hkeys(redisKeys.instances),
        redis.hvals(redisKeys.assignments),
      ]);
      const [instances, sessions] = await Promise.all([
        readAnnouncements(ids),
        Promise.all(ids.map((id) => redis.hvals(redisKeys.sessions(id)))),
      ]);
      return {
        instances,
        assignments: assignments.flatMap((text) => readJson(assignmentSchema, text) ?? []),
        sessions: sessions.flat().flatMap((text) => readJson(sessionDetailSchema, text) ?? []),
      };
    },

    async announcements() {
      return readAnnouncements(await redis.hkeys(redisKeys.instances));
    },

    async assignment(workspace) {
      return readJson(assignmentSchema, await redis.hget(redisKeys.assignments, workspace));
    },

    async subscribe(onChange, onGap) {
      const subscriber = redis.duplicate({
        enableOfflineQueue: true,
        maxRetriesPerRequest: null,
        commandTimeout: undefined,
      });
      subscriber.on('error', () => {});
      subscriber.on('message', (_channel: string, text: string) => {
        const change = readJson(changeSchema, text);
        if (change) onChange(change);
      });
      try {
        if (subscriber.status === 'wait') await subscriber.connect();
        await subscriber.subscribe(redisKeys.changes);
      } catch (error) {
        subscriber.disconnect();
        throw error;
      }
      // Told only when the new connection is subscribed: a snapshot read any earlier could miss what changes in between.
      subscriber.on('ready', () => {
        subscriber.subscribe(redisKeys.changes).then(onGap, () => {});
      });
      return async () => subscriber.disconnect();
    },
  };
  return translateErrors(registry);
}

/** Runs a pipeline, and gives its replies; unlike `exec` it throws when one of its commands failed. */
async function all(pipeline: ChainableCommander): Promise<unknown[]> {
  return ((await pipeline.exec()) ?? []).map(([error, reply]) => {
    if (error) throw error;
    return reply;
  });
}

/** ioredis's errors, of which there are many kinds, as `redis_unavailable`. */
function translateErrors(registry: Registry): Registry {
  const wrap =
    <Arguments extends unknown[], Result>(call: (...given: Arguments) => Promise<Result>) =>
    async (...given: Arguments): Promise<Result> => {
      try {
        return await call(...given);
      } catch (error) {
        throw new WharfError(
          'redis_unavailable',
          `Redis did not take a command (${messageOf(error)}). It is tried again.`,
          { cause: error },
        );
      }
    };
  return {
    announce: wrap(registry.announce),
    withdraw: wrap(registry.withdraw),
    recordAssignment: wrap(registry.recordAssignment),
    publishSession: wrap(registry.publishSession),
    removeSession: wrap(registry.removeSession),
    replaceSessions: wrap(registry.replaceSessions),
    snapshot: wrap(registry.snapshot),
    announcements: wrap(registry.announcements),
    assignment: wrap(registry.assignment),
    subscribe: wrap(registry.subscribe),
  };
}

function readJson<T>(schema: z.ZodType<T>, text: string | null): T | undefined {
  if (text === null) return undefined;
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
