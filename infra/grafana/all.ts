import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { backups } from './dashboards/backups.ts';
import { failover } from './dashboards/failover.ts';
import { fleet } from './dashboards/fleet.ts';
import { instance } from './dashboards/instance.ts';
import { messages } from './dashboards/messages.ts';
import { webhooks } from './dashboards/webhooks.ts';

/** All dashboards by the names of their files. */
export const DASHBOARDS: Readonly<Record<string, Dashboard>> = {
  fleet,
  instance,
  messages,
  webhooks,
  backups,
  failover,
};

/** A dashboard's file. */
export function textOf(made: Dashboard): string {
  return `${JSON.stringify(made, null, 2)}\n`;
}
