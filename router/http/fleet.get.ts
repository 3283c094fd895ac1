import { z } from 'zod';
import { showWorkspaceId } from '../../fleet/ids.ts';
import {
  announcementSchema,
  type SessionStatus,
  sessionStatusSchema,
  shownWorkspaceIdSchema,
} from '../../fleet/records.ts';
import type { FleetView, InstanceView } from '../failover/view.ts';
import type { Table } from '../registry/table.ts';
import { type RouterRoute, route, type Services } from '../services.ts';
import { shownPlace } from './workspace-shape.ts';

/** Waiting workspaces that are named; all are counted. */
const MOST_NAMED = 100;

const judgedSchema = z.object({
  verdict: z
    .enum(['healthy', 'restarting', 'dead', 'hand_over_by_redis', 'hand_over_by_http', 'revoke', 'unknown'])
    .describe('What the health monitor concludes from lease and probes'),
  verdict_reason: z.string(),
  verdict_since: z.iso.datetime(),
  lease_age_ms: z.number().nullable().describe('Since its lease was renewed last; null where it is not held'),
  silent_ms: z.number().nullable().describe('For how long no router has reached it; 0 where one does'),
  deaths: z.number().int().describe('Within the last hour'),
  draining: z.boolean().describe('It is being emptied, and takes no workspaces'),
});

const instanceSchema = announcementSchema
  .pick({
    incarnation: true,
    url: true,
    host: true,
    capacity: true,
    ready: true,
    rss_mb: true,
    browsers_pss_mb: true,
    cpu: true,
    version: true,
    chromium: true,
    started_at: true,
    announced_at: true,
  })
  .extend(judgedSchema.shape)
  .partial()
  .extend({
    id: z.string(),
    lease: z
      .enum(['held', 'restarting', 'gone'])
      .describe('restarting: it stopped cleanly and is expected back. gone: nobody renews it'),
    status: z.enum([...announcementSchema.shape.status.options, 'gone']),
    sessions: z.number().int(),
    by_status: z.partialRecord(sessionStatusSchema, z.number().int()).describe('Its sessions'),
    workspaces: z.number().int(),
    away: z.number().int().describe('Of its workspaces, those whose home is another instance'),
    unclaimed: z
      .number()
      .int()
      .describe(
        'Of its workspaces, those assigned to it and not yet taken by it: takeovers and moves under way',
      ),
  })
  .meta({ id: 'Instance' });

const fleetSchema = z
  .object({
    instances: z.array(instanceSchema),
    instance_count: z.number().int().describe('What the home rule divides by'),
    sessions: z.number().int(),
    redis: z.object({ ok: z.boolean() }),
    router: z.string().describe('The router that answers'),
    leader: z.string().nullable().describe('The router that leads; null where none does, or Redis is away'),
    frozen: z
      .object({ instances: z.array(z.string()), limit: z.number().int() })
      .nullable()
      .describe('Set while more instances are lost than are taken over by themselves'),
    unfrozen: z.boolean().describe('An operator said to take over all the same'),
    draining: z.array(z.string()),
    waiting: z.object({
      total: z.number().int().describe('Workspaces without a live owner that are not on their way to one'),
      workspaces: z
        .array(z.object({ workspace_id: shownWorkspaceIdSchema, instance: z.string(), why: z.string() }))
        .describe(`The first ${MOST_NAMED}`),
    }),
    quarantined: z
      .array(shownWorkspaceIdSchema)
      .describe(
        'Workspaces that are not started by themselves, since instances died as they were; move one to try it',
      ),
    alarms: z.array(z.object({ kind: z.string(), text: z.string() })),
  })
  .meta({ id: 'Fleet' });

/** GET `/api/fleet` */
export function fleetGet({ table, follower, config, operations }: Services): RouterRoute {
  return route({
    method: 'get',
    path: '/api/fleet',
    tag: 'Fleet',
    summary:
      'The instances (status, lease, sessions, capacity, memory, cpu), the leader, and what an operator should know',
    access: 'admin',
    query: z.strictObject({}),
    responses: { 200: { description: 'The fleet', schema: fleetSchema } },
    handle() {
      const view = operations.status();
      return {
        body: {
          ...shownInstances(table, view, config),
          instance_count: config.instanceCount,
          redis: { ok: follower.redisAnswers },
          ...shownView(view),
        },
      };
    },
  });
}

function shownView({ router, leader, frozen, unfrozen, draining, waiting, quarantined, alarms }: FleetView) {
  const named = waiting.slice(0, MOST_NAMED);
  return {
    router,
    leader,
    frozen,
    unfrozen,
    draining,
    waiting: {
      total: waiting.length,
      workspaces: named.map(({ workspace, ...rest }) => ({
        workspace_id: showWorkspaceId(workspace),
        ...rest,
      })),
    },
    quarantined: quarantined.map(showWorkspaceId),
    alarms,
  };
}

/** What an instance has to do, counted. */
interface Load {
  sessions: number;
  by_status: Partial<Record<SessionStatus, number>>;
  workspaces: number;
  away: number;
  unclaimed: number;
}

function shownInstances(table: Table, view: FleetView, config: Services['config']) {
  const loads = loadsOf(table, config);
  const judged = new Map(view.instances.map((each) => [each.instance, each]));
  // An instance that is gone is still there for as long as something is assigned to it.
  const announced = table.instances().map((each) => each.instance);
  const ids = new Set([...announced, ...loads.keys(), ...judged.keys()]);
  const instances = [...ids]
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .filter((id) => announced.includes(id) || judged.has(id) || (loads.get(id)?.workspaces ?? 0) > 0)
    .map((id) => shownInstance(table, id, judged.get(id), loads.get(id) ?? noLoad()));
  return { instances, sessions: [...loads.values()].reduce((sum, { sessions }) => sum + sessions, 0) };
}

function noLoad(): Load {
  return { sessions: 0, by_status: {}, workspaces: 0, away: 0, unclaimed: 0 };
}

function loadsOf(table: Table, config: Services['config']): Map<string, Load> {
  const loads = new Map<string, Load>();
  const loadOf = (instance: string) => {
    const known = loads.get(instance) ?? noLoad();
    loads.set(instance, known);
    return known;
  };
  for (const workspace of table.workspaces()) {
    const owner = table.owner(workspace);
    if (owner === undefined) continue;
    const load = loadOf(owner.instance);
    load.workspaces += 1;
    if (shownPlace(config, workspace, owner).home !== owner.instance) load.away += 1;
    if (!owner.claimed) load.unclaimed += 1;
  }
  for (const session of table.sessions()) {
    const load = loadOf(session.instance);
    const { status } = table.shown(session);
    load.sessions += 1;
    load.by_status[status] = (load.by_status[status] ?? 0) + 1;
  }
  return loads;
}

function shownInstance(table: Table, id: string, judged: InstanceView | undefined, load: Load) {
  const announcement = table.instance(id);
  // What is not judged yet is taken at its word.
  const lease = judged?.lease ?? (announcement ? 'held' : 'gone');
  const verdict = judged && {
    verdict: judged.verdict,
    verdict_reason: judged.reason,
    verdict_since: judged.since,
    lease_age_ms: judged.lease_age_ms,
    silent_ms: judged.silent_ms,
    deaths: judged.deaths,
    draining: judged.draining,
  };
  if (!announcement) return { id, lease, status: 'gone', ...load, ...verdict };
  const { instance, protocol, pid, counters, ...shown } = announcement;
  // Of sessions, what it says of itself.
  return { id, lease, ...load, ...shown, ...verdict };
}
