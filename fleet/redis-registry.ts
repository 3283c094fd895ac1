import { z } from 'zod';
import type { ChainableCommander, Redis } from '../common/redis.ts';
import { redisKeys, sessionField } from './keys.ts';
import { announcementSchema, assignmentSchema, type SessionDetail, sessionDetailSchema } from './records.ts';
import { readJson, redisAnswer } from './redis-answers.ts';
import { subscribeTo } from './redis-subscriber.ts';
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

    async leaveSession(instance, session) {
      const { status } = session;
      const hadBrowser =
        status !== 'stopped' && status !== 'failed' && status !== 'logged_out' && status !== 'parked';
      const left: SessionDetail = hadBrowser
        ? { ...session, status: 'disconnected', connected_at: null }
        : session;
      const change: RegistryChange = { kind: 'session', instance, session: left };
      await all(
        redis
          .pipeline()
          .hdel(redisKeys.sessions(instance), sessionField(String(session.workspace_id), session.session_id))
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

    subscribe(onChange, onGap) {
      const tell = (text: string) => {
        const change = readJson(changeSchema, text);
        if (change) onChange(change);
      };
      return subscribeTo(redis, redisKeys.changes, tell, onGap);
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
    (...given: Arguments): Promise<Result> =>
      redisAnswer(call(...given));
  return {
    announce: wrap(registry.announce),
    withdraw: wrap(registry.withdraw),
    publishSession: wrap(registry.publishSession),
    removeSession: wrap(registry.removeSession),
    leaveSession: wrap(registry.leaveSession),
    replaceSessions: wrap(registry.replaceSessions),
    snapshot: wrap(registry.snapshot),
    announcements: wrap(registry.announcements),
    subscribe: wrap(registry.subscribe),
  };
}
