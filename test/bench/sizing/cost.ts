import { z } from 'zod';
import type { FleetSize } from './memory.ts';

const money = z.number().nonnegative();

/** `infra/terraform/prices.json`: US dollars. */
export const pricesSchema = z.strictObject({
  region: z.string(),
  /** The year or the day that most of them are of. */
  as_of: z.union([z.iso.date(), z.string().regex(/^\d{4}$/)]),
  source: z.string(),
  hours_a_month: z.number().positive(),
  machine_hour: z.record(z.string(), money),
  redis_node_hour: z.record(z.string(), money),
  disk_gib_month: money,
  nat_hour: money,
  nat_gb: money,
  balancer_hour: money,
  balancer_unit_hour: money,
  efs_gb_month: money,
  efs_gb_written: money,
  efs_gb_read: money,
  s3_gb_month: money,
  s3_thousand_puts: money,
  alarm_month: money,
  metric_month: money,
  secret_month: money,
  key_month: money,
});
export type Prices = z.infer<typeof pricesSchema>;

/** What an example's fleet has beside its instances' machines; the same numbers stand in the modules. */
export interface FleetParts {
  zones: number;
  routers: number;
  backups: number;
  smallMachine: string;
  instanceDiskGib: number;
  routerDiskGib: number;
  backupDiskGib: number;
  ownershipNodes: number;
  ownershipNode: string;
  queueNodes: number;
  queueNode: string;
  secrets: number;
}

/** What sessions do, for each of them. Assumptions: whoever knows better ones puts them in. */
export interface SessionUse {
  /** Megabytes on the shared storage. */
  storedMegabytes: number;
  /** Megabytes written there each day, and read. */
  writtenMegabytesADay: number;
  readMegabytesADay: number;
  /** Megabytes to and from WhatsApp each day: they pass NAT. */
  transferredMegabytesADay: number;
  /** Megabytes of all kept backups. */
  backupMegabytes: number;
  /** Objects put into the bucket each day. */
  putsADay: number;
}

/** US dollars a month, by what they are for. */
export type Bill = Record<string, number>;

/** What a fleet costs in a month. Throws Error where a price is missing. */
export function billOf(size: FleetSize, parts: FleetParts, use: SessionUse, prices: Prices): Bill {
  const hours = prices.hours_a_month;
  const days = hours / 24;
  const gb = (megabytes: number) => (size.sessions * megabytes) / 1000;
  const small = (parts.routers + parts.backups) * priceOf(prices.machine_hour, parts.smallMachine);
  const disks =
    size.machines * parts.instanceDiskGib +
    parts.routers * parts.routerDiskGib +
    parts.backups * parts.backupDiskGib;
  const redis =
    parts.ownershipNodes * priceOf(prices.redis_node_hour, parts.ownershipNode) +
    parts.queueNodes * priceOf(prices.redis_node_hour, parts.queueNode);
  // Three numbers of each machine, one of the backups; an alarm for each number and for each group of machines, four for each node of Redis, six for the rest.
  const metrics = 3 * (size.machines + 2) + 1;
  const alarms = 4 * (size.machines + 2) + 1 + 4 * (parts.ownershipNodes + parts.queueNodes) + 6;
  return {
    'machines that run sessions': size.machines * hours * priceOf(prices.machine_hour, size.machine.name),
    'routers, backup service': small * hours,
    'disks of machines': disks * prices.disk_gib_month,
    'Redis, two': redis * hours,
    'NAT gateways': parts.zones * prices.nat_hour * hours,
    'load balancer (one unit)': (prices.balancer_hour + prices.balancer_unit_hour) * hours,
    'storage: what is kept': gb(use.storedMegabytes) * prices.efs_gb_month,
    'storage: written and read':
      days *
      (gb(use.writtenMegabytesADay) * prices.efs_gb_written + gb(use.readMegabytesADay) * prices.efs_gb_read),
    'through NAT, to and from WhatsApp': days * gb(use.transferredMegabytesADay) * prices.nat_gb,
    'backups in S3':
      gb(use.backupMegabytes) * prices.s3_gb_month +
      (days * size.sessions * use.putsADay * prices.s3_thousand_puts) / 1000,
    'alarms, metrics, secrets, key':
      alarms * prices.alarm_month +
      metrics * prices.metric_month +
      parts.secrets * prices.secret_month +
      prices.key_month,
  };
}

/** All of a bill. */
export function sumOf(bill: Bill): number {
  return Object.values(bill).reduce((sum, amount) => sum + amount, 0);
}

function priceOf(prices: Record<string, number>, name: string): number {
  const price = prices[name];
  if (price === undefined) throw new Error(`infra/terraform/prices.json has no price of ${name}.`);
  return price;
}
