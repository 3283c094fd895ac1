import type { Clock } from '../common/clock.ts';
import { defineRoute, type Route } from '../common/http/route.ts';
import type { ApiKeys } from '../fleet/api-keys.ts';
import type { RouterConfig } from './config.ts';
import type { FleetOperations } from './failover/operations.ts';
import type { Metrics } from './metrics.ts';
import type { Principal } from './principal.ts';
import type { Forwarder } from './proxy/forwarder.ts';
import type { Follower } from './registry/follower.ts';
import type { Table } from './registry/table.ts';
import type { Creator } from './sessions/creator.ts';

/** What the router's routes work with. */
export interface Services {
  config: Pick<RouterConfig, 'instanceCount' | 'shardStrategy'>;
  clock: Clock;
  table: Table;
  follower: Follower;
  forwarder: Forwarder;
  creator: Creator;
  operations: FleetOperations;
  keys: ApiKeys;
  metrics: Metrics;
  /** True from the moment the process begins to stop. */
  stopping: () => boolean;
}

/** A route of the router. */
export type RouterRoute = Route<Principal>;

/** {@link defineRoute} for the router. */
export const route = defineRoute<Principal>();
