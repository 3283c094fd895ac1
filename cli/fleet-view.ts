import { z } from 'zod';

/** What the commands need of `GET /api/fleet`; the rest passes through to `--json`. */
export const fleetSchema = z.looseObject({
  redis: z.looseObject({ ok: z.boolean() }).optional(),
  router: z.string().optional(),
  leader: z.string().nullish(),
  frozen: z.looseObject({ instances: z.array(z.string()), limit: z.number() }).nullish(),
  waiting: z.looseObject({ total: z.number() }).optional(),
  quarantined: z.array(z.union([z.string(), z.number()])).optional(),
  alarms: z.array(z.looseObject({ kind: z.string().optional(), text: z.string() })).optional(),
  instances: z.array(
    z.looseObject({
      id: z.string(),
      status: z.string(),
      incarnation: z.string().optional(),
      /** `held`, `restarting` or `gone`. */
      lease: z.string().optional(),
      lease_age_ms: z.number().nullish(),
      /** What the health monitor concludes; not there where it has not looked yet. */
      verdict: z.string().optional(),
      verdict_reason: z.string().optional(),
      draining: z.boolean().optional(),
      workspaces: z.number().optional(),
      sessions: z.number().optional(),
      ready: z.number().optional(),
      capacity: z.number().optional(),
      rss_mb: z.number().optional(),
      browsers_pss_mb: z.number().optional(),
      /** Share of one core. */
      cpu: z.number().optional(),
      /** Of Wharf; instances of before it was told have none. */
      version: z.string().optional(),
      /** The browsers' version. */
      chromium: z.string().optional(),
      started_at: z.string().optional(),
      announced_at: z.string().nullish(),
    }),
  ),
});
export type FleetView = z.infer<typeof fleetSchema>;

/** An instance as `GET /api/fleet` shows it. */
export type InstanceView = FleetView['instances'][number];

/** An instance's state in one word: that it drains, or what is wrong with it, before what it says of itself. */
export function stateOf({ status, verdict, draining }: InstanceView): string {
  if (verdict !== undefined && verdict !== 'healthy' && verdict !== 'unknown') return verdict;
  return draining ? 'draining' : status;
}

/** Whether an instance can be counted on. One that the router has not judged yet cannot. */
export function isWell({ status, verdict, lease }: InstanceView): boolean {
  return verdict === 'healthy' && lease === 'held' && (status === 'healthy' || status === 'at_capacity');
}

/**
 * Which versions of something run where, `155.0 on instance-1; 156.0 on instance-2, instance-3`; null where all have the same. Instances that
 * announce nothing, or left the fleet, do not count.
 */
export function differingVersions(
  { instances }: Pick<FleetView, 'instances'>,
  versionOf: (instance: InstanceView) => string | undefined,
): string | null {
  const versions = new Map<string, string[]>();
  for (const instance of instances) {
    const version = versionOf(instance);
    if (version === undefined || hasLeft(instance)) continue;
    versions.set(version, [...(versions.get(version) ?? []), instance.id]);
  }
  if (versions.size < 2) return null;
  return [...versions].map(([version, ids]) => `${version} on ${ids.join(', ')}`).join('; ');
}

/** Whether an instance is no longer part of the fleet: nobody renews its lease, and nothing is on it. */
export function hasLeft({ lease, workspaces = 0 }: InstanceView): boolean {
  return lease === 'gone' && workspaces === 0;
}
