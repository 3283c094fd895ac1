import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** Where the dashboards lie, as they are brought to Grafana. */
export const GRAFANA = fileURLToPath(new URL('../../infra/grafana/json', import.meta.url));

const panelSchema = z.object({
  id: z.number(),
  type: z.string(),
  title: z.string(),
  description: z.string().optional(),
  gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
  fieldConfig: z.object({ defaults: z.object({ unit: z.string().optional() }) }).optional(),
  targets: z.array(z.object({ expr: z.string(), legendFormat: z.string().optional() })).default([]),
});
/** A panel, as far as it is looked at. */
export type Panel = z.infer<typeof panelSchema>;

const dashboardSchema = z.object({ uid: z.string(), title: z.string(), panels: z.array(panelSchema) });
/** A dashboard, as far as it is looked at. */
export type Dashboard = z.infer<typeof dashboardSchema>;

/** Reads a dashboard. */
export async function readDashboard(file: string, folder = GRAFANA): Promise<Dashboard> {
  return dashboardSchema.parse(JSON.parse(await readFile(join(folder, file), 'utf8')));
}

/** A query with what Grafana puts in for its variables. @param interval of rates, such as `1m` */
export function filledIn(query: string, interval: string): string {
  return query.replaceAll('$__rate_interval', interval).replaceAll('$wharf_instance', '.*');
}
