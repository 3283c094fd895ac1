import type { FleetSettings } from '../../router/failover/facts.ts';

/** The fleet's settings in memory: durable, and the same for all at once. */
export function memorySettings(): FleetSettings {
  const draining = new Set<string>();
  const quarantined = new Set<string>();
  let unfrozen = false;
  const put = (set: Set<string>, item: string, present: boolean) => {
    if (present) set.add(item);
    else set.delete(item);
  };
  return {
    current: () => ({ draining: new Set(draining), quarantined: new Set(quarantined), unfrozen }),
    reread: async () => {},
    setDraining: async (instance, present) => put(draining, instance, present),
    setQuarantined: async (workspace, present) => put(quarantined, workspace, present),
    setUnfrozen: async (value) => {
      unfrozen = value;
    },
  };
}
