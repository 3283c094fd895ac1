import { WharfError } from '../../common/errors.ts';
import type { Order } from '../../fleet/coordination.ts';
import type { FleetFacts } from './facts.ts';

/** Tells an instance something past Redis. */
export interface OrderSender {
  /**
   * Hands it orders: they go to its supervisor, which closes and releases.
   *
   * @param url base URL of the instance
   * @throws WharfError `instance_unavailable`
   */
  send(url: string, orders: readonly Order[]): Promise<void>;
  /** Has its supervisor start its process anew. Throws `instance_unavailable`. */
  restart(url: string): Promise<void>;
}

/** Where an instance is reached. Throws `instance_unavailable` where nobody knows. */
export function orderSenderUrl(facts: FleetFacts, instance: string): string {
  const url = facts.instances().find(({ id }) => id === instance)?.url;
  if (url) return url;
  throw new WharfError(
    'instance_unavailable',
    `Nobody knows where ${instance} is reached: it is not running. Start it.`,
  );
}
