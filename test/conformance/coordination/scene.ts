import { afterEach, beforeEach } from 'vitest';
import type { AssignedEpoch, Coordination, Order } from '../../../fleet/coordination.ts';
import type { RegistryChange } from '../../../fleet/registry.ts';
import { leaseHolder } from '../../helpers/fleet-values.ts';

/** A coordination and what a test does to the Redis behind it. */
export interface CoordinationHarness {
  coordination: Coordination;
  /** Lets something run out now: a lease, the leader, a router's note. */
  runOut(what: { lease: string } | { router: string } | 'leader'): Promise<void>;
  /** FLUSHALL. */
  empty(): Promise<void>;
  /** Another server in its place, with all that it held. */
  restart(): Promise<void>;
  /** Calls back at every change that is published. */
  onChange(told: (change: RegistryChange) => void): Promise<void>;
  close(): Promise<void>;
}

/** Milliseconds; longer than any test. */
export const TTL = 60_000;

/** Names of those who try at once. */
export const TWENTY = Array.from({ length: 20 }, (_, index) => `instance-${index + 1}`);

/** A coordination while a test runs: another for each. */
export interface CoordinationScene {
  readonly fleet: Coordination;
  readonly harness: CoordinationHarness;
  /** Takes an instance's lease. */
  acquire(instance: string, incarnation?: string, replaces?: string[]): ReturnType<Coordination['acquire']>;
  /** What a renewal of an instance's lease tells, whoever asks for it. */
  told(instance: string): Promise<{ assigned: Record<string, AssignedEpoch>; orders: readonly Order[] }>;
}

/** Call where a suite begins. */
export function useCoordination(start: () => Promise<CoordinationHarness>): CoordinationScene {
  let harness: CoordinationHarness;
  beforeEach(async () => {
    harness = await start();
  });
  afterEach(() => harness.close());
  return {
    get fleet() {
      return harness.coordination;
    },
    get harness() {
      return harness;
    },
    acquire: (instance, incarnation = 'a', replaces = []) =>
      harness.coordination.acquire(leaseHolder(instance, incarnation), TTL, replaces),
    told: async (instance) => {
      const { assigned, orders } = await harness.coordination.renew(instance, 'nobody', TTL);
      return { assigned: Object.fromEntries(assigned), orders };
    },
  };
}
