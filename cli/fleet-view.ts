import { z } from 'zod';

/** What the commands need of `GET /api/fleet`; the rest passes through to `--json`. */
export const fleetSchema = z.looseObject({
  redis: z.looseObject({ ok: z.boolean() }).optional(),
  instances: z.array(
    z.looseObject({
      id: z.string(),
      status: z.string(),
      sessions: z.number().optional(),
      ready: z.number().optional(),
      capacity: z.number().optional(),
      rss_mb: z.number().optional(),
      browsers_pss_mb: z.number().optional(),
      /** Share of one core. */
      cpu: z.number().optional(),
      announced_at: z.string().nullish(),
    }),
  ),
});
export type FleetView = z.infer<typeof fleetSchema>;
